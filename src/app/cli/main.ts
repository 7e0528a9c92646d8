// The command line: options and wiring only. Each command's code is loaded when it is asked for.
import { Command } from "commander";

const program = new Command("portolan");
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const name = ["--name <name>", "name of the cluster", "portolan"] as const;

function wholeNumber(flag: string, text: string | undefined): number | undefined {
  if (text !== undefined && !/^-?\d+$/.test(text))
    throw new Error(`${flag}: expected a whole number, got ${JSON.stringify(text)}`);
  return text === undefined ? undefined : Number(text);
}

// A user's shell often lacks the directories of the system's own tools.
process.env.PATH = [process.env.PATH, "/usr/local/sbin", "/usr/sbin", "/sbin"].filter(Boolean).join(":");

program
  .description("Kubernetes Services and networking, whole and real, on one Linux machine")
  .version("0.1.0")
  .showHelpAfterError();

program
  .command("up")
  .description("start a cluster, or what is missing of it")
  .option(...name)
  .option("--nodes <n>", "number of nodes, 1 to 10 (default: 1)")
  .option("--ip-family <family>", "ipv4, ipv6 or dual (default: ipv4)")
  .option("--node-cidr <range>", "addresses of the nodes; dual: a range a family, with a comma between")
  .option("--pod-cidr <range>", "addresses of the pods")
  .option("--service-cidr <range>", "addresses of the Services")
  .option("--load-balancer-cidr <range>", "addresses of the load balancers")
  .option("--api-port <port>", "port of the API server on 127.0.0.1 (ipv6: ::1)")
  .option("--zones <names>", "zones that the nodes are dealt out to in turn, e.g. a,b")
  .option(
    "--allow-external-ips",
    "let Services name externalIPs; whoever may write Services can then take other machines' traffic",
  )
  .option("--kubeconfig <file>", "where the context is merged into")
  .action(async (o) => {
    const { up } = await import("../cluster/up.ts");
    const result = await up({
      name: o.name,
      nodes: wholeNumber("--nodes", o.nodes),
      ipFamily: o.ipFamily,
      nodeCIDR: o.nodeCidr,
      podCIDR: o.podCidr,
      serviceCIDR: o.serviceCidr,
      loadBalancerCIDR: o.loadBalancerCidr,
      apiPort: wholeNumber("--api-port", o.apiPort),
      zones: o.zones?.split(","),
      allowExternalIPs: o.allowExternalIps,
      kubeconfig: o.kubeconfig,
      out: print,
    });
    print(
      `Ready after ${(result.elapsedMs / 1000).toFixed(2)} s. Try: kubectl --context ${result.context} get nodes`,
    );
  });

program
  .command("down")
  .description("take a cluster down; nothing of it stays")
  .option(...name)
  .option("--kubeconfig <file>", "where the context was merged into")
  .action(async (o) => {
    const { down } = await import("../cluster/down.ts");
    await down({ name: o.name, kubeconfig: o.kubeconfig, out: print });
  });

program
  .command("status")
  .description("nodes, addresses, health and processes")
  .option(...name)
  .option("-o, --output <format>", "json for machines")
  .action(async (o) => {
    if (o.output !== undefined && o.output !== "json")
      program.error(`--output: expected json, got ${JSON.stringify(o.output)}`);
    const { clusterStatus, printStatus } = await import("../cluster/status.ts");
    const status = await clusterStatus(o.name);
    print(o.output === "json" ? JSON.stringify(status, null, 2) : printStatus(status));
    process.exitCode = status.state === "Running" ? 0 : 1;
  });

program
  .command("kubeconfig")
  .description("print the path of the cluster's own kubeconfig file")
  .option(...name)
  .action(async (o) => {
    const { existsSync } = await import("node:fs");
    const { clusterPaths } = await import("../cluster/paths.ts");
    const file = clusterPaths(o.name).kubeconfig;
    if (!existsSync(file)) program.error(`there is no cluster "${o.name}"; start it: portolan up`);
    print(file);
  });

const images = program.command("images").description("images of the cluster's nodes, and offline ones");
images
  .command("list")
  .description("the images that each node has")
  .option(...name)
  .action(async (o) => {
    const { listImages } = await import("../cluster/node-images.ts");
    for (const { node, image } of await listImages(o.name)) print(`${node.padEnd(10)} ${image}`);
  });
images
  .command("load <archive>")
  .description("load an image archive (docker save, or OCI) into every node")
  .option(...name)
  .action(async (archive, o) => {
    const { loadImage } = await import("../cluster/node-images.ts");
    for (const line of await loadImage(o.name, archive)) print(line);
  });
images
  .command("build <specification>")
  .description("build an image archive from Debian packages, as a JSON file says (docs/images.md)")
  .requiredOption("--archive <file>", "where the OCI archive goes")
  .action(async (specification, o) => {
    const { buildFromFile } = await import("../cluster/node-images.ts");
    print(await buildFromFile(specification, o.archive));
  });

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`portolan: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
