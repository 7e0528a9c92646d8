// Every namespace has a ConfigMap with the certificate by which its pods know the API server
// (pkg/controller/certificates/rootcacertpublisher).
import { configMaps } from "../../../core/api/refs.ts";
import type { ConfigMap } from "../../../core/api/types.ts";
import type { StartController } from "../context.ts";
import { keepInEachNamespace } from "../each-namespace.ts";
import { sameJson } from "../same-json.ts";

const description =
  "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

export const startRootCertificates: StartController = (context) => {
  const data = { "ca.crt": context.caCert };
  const annotations = { "kubernetes.io/description": description };
  return keepInEachNamespace(context, {
    ref: configMaps,
    name: "kube-root-ca.crt",
    controller: "root-ca-certificate-publisher-controller",
    blank: () => ({ metadata: { name: "kube-root-ca.crt", annotations }, data }) as ConfigMap,
    corrected(there) {
      const described = there.metadata.annotations?.["kubernetes.io/description"];
      if (sameJson(there.data, data) && described) return undefined;
      const metadata = { ...there.metadata, annotations: { ...there.metadata.annotations, ...annotations } };
      return { ...there, metadata, data };
    },
  });
};
