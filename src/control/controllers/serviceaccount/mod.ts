// Every namespace has a ServiceAccount `default`, as which its pods run (pkg/controller/serviceaccount).
import { serviceAccounts } from "../../../core/api/refs.ts";
import type { StartController } from "../context.ts";
import { keepInEachNamespace } from "../each-namespace.ts";

export const startServiceAccounts: StartController = (context) =>
  keepInEachNamespace(context, {
    ref: serviceAccounts,
    name: "default",
    controller: "serviceaccount-controller",
    blank: () => ({ metadata: { name: "default" } }),
  });
