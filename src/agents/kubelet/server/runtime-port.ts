// What the node's HTTPS server asks of the pods' runtime: which pods are here, which container is meant, where its log
// is, and containerd's streaming addresses (CRI Exec, Attach, PortForward). The kubelet role implements it.
import type { Pod } from "../../../core/api/types.ts";

export interface ExecRequest {
  /** The runtime's bare container id, without the `containerd://` scheme. */
  containerId: string;
  command: string[];
  stdin: boolean;
  stdout: boolean;
  /** Never together with `tty`. */
  stderr: boolean;
  tty: boolean;
}

export interface AttachRequest extends Omit<ExecRequest, "command"> {}

export interface PortForwardRequest {
  /** The runtime's pod sandbox id. */
  sandboxId: string;
  /** Empty: any port may be asked for on the stream (the SPDY form). */
  ports: number[];
}

export interface ContainerLog {
  /** Absolute path of the CRI log file, as the runtime writes it now. */
  path: string;
  /** True until the container has exited: tells a follower whether more may come. */
  running: boolean;
}

export interface PodRuntimePort {
  /** Every pod that this node knows, with its status as the kubelet sees it now (maybe newer than the API's). */
  pods(): Pod[];
  pod(namespace: string, name: string): Pod | undefined;
  /** Bare id of the pod's running container of that name (init and ephemeral ones too); undefined when none runs. */
  runningContainer(podUid: string, container: string): Promise<string | undefined>;
  /** Id of the pod's ready sandbox; undefined when there is none. */
  sandbox(podUid: string): Promise<string | undefined>;
  /** The log of a container by bare id, dead ones too as long as the runtime has them; undefined when it is unknown. */
  containerLog(containerId: string): Promise<ContainerLog | undefined>;
  /** Asks the runtime to write to a fresh log file, after a rotation. Absent: logs are not rotated. */
  reopenLog?(containerId: string): Promise<void>;
  /** The URL of containerd's streaming server for one exec, attach or port-forward. Rejections carry the runtime's words. */
  exec(request: ExecRequest): Promise<string>;
  attach(request: AttachRequest): Promise<string>;
  portForward(request: PortForwardRequest): Promise<string>;
}
