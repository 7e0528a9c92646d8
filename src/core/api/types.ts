// The Kubernetes types as they travel on the wire, derived from the official client's model declarations.
// Dates are RFC 3339 strings there, and names that JavaScript reserves lose the client's leading underscore.
import type * as k8s from "@kubernetes/client-node";

type Key<K> = K extends `_${infer R}` ? R : K;

/** A model of the official client as plain JSON: Date is a string, `_from` is `from`. */
export type Wire<T> = T extends Date
  ? string
  : T extends ReadonlyArray<infer U>
    ? Wire<U>[]
    : T extends object
      ? { [K in keyof T as Key<K>]: Wire<T[K]> }
      : T;

/** A model whose metadata is always there, as it is on every object that the API server has stored. */
type Stored<T> = Omit<Wire<T>, "metadata"> & { metadata: ObjectMeta };

export type ObjectMeta = Wire<k8s.V1ObjectMeta>;
export type OwnerReference = Wire<k8s.V1OwnerReference>;
export type LabelSelector = Wire<k8s.V1LabelSelector>;
export type IntOrString = number | string;

export type Namespace = Stored<k8s.V1Namespace>;
export type Node = Stored<k8s.V1Node>;
export type NodeCondition = Wire<k8s.V1NodeCondition>;
export type Taint = Wire<k8s.V1Taint>;
export type Toleration = Wire<k8s.V1Toleration>;
export type Pod = Stored<k8s.V1Pod>;
export type PodSpec = Wire<k8s.V1PodSpec>;
export type PodStatus = Wire<k8s.V1PodStatus>;
export type PodCondition = Wire<k8s.V1PodCondition>;
export type PodTemplateSpec = Wire<k8s.V1PodTemplateSpec>;
export type Container = Wire<k8s.V1Container>;
export type ContainerPort = Wire<k8s.V1ContainerPort>;
export type ContainerStatus = Wire<k8s.V1ContainerStatus>;
export type ContainerState = Wire<k8s.V1ContainerState>;
export type Probe = Wire<k8s.V1Probe>;
export type LifecycleHandler = Wire<k8s.V1LifecycleHandler>;
export type EnvVar = Wire<k8s.V1EnvVar>;
export type Volume = Wire<k8s.V1Volume>;
export type VolumeMount = Wire<k8s.V1VolumeMount>;
export type PersistentVolume = Stored<k8s.V1PersistentVolume>;
export type PersistentVolumeClaim = Stored<k8s.V1PersistentVolumeClaim>;
export type PriorityClass = Stored<k8s.V1PriorityClass>;
export type LimitRange = Stored<k8s.V1LimitRange>;
export type ResourceQuota = Stored<k8s.V1ResourceQuota>;
export type StorageClass = Stored<k8s.V1StorageClass>;
export type Ingress = Stored<k8s.V1Ingress>;
export type IngressBackend = Wire<k8s.V1IngressBackend>;
export type IngressClass = Stored<k8s.V1IngressClass>;
export type Service = Stored<k8s.V1Service>;
export type ServiceSpec = Wire<k8s.V1ServiceSpec>;
export type ServicePort = Wire<k8s.V1ServicePort>;
export type ComponentStatus = Stored<k8s.V1ComponentStatus>;
export type Endpoints = Stored<k8s.V1Endpoints>;
export type EndpointSubset = Wire<k8s.V1EndpointSubset>;
export type EndpointSlice = Stored<k8s.V1EndpointSlice>;
export type Endpoint = Wire<k8s.V1Endpoint>;
export type EndpointPort = Wire<k8s.DiscoveryV1EndpointPort>;
export type ConfigMap = Stored<k8s.V1ConfigMap>;
export type Secret = Stored<k8s.V1Secret>;
export type ServiceAccount = Stored<k8s.V1ServiceAccount>;
export type CoreEvent = Stored<k8s.CoreV1Event>;
export type EventsV1Event = Stored<k8s.EventsV1Event>;
export type Lease = Stored<k8s.V1Lease>;
export type Deployment = Stored<k8s.V1Deployment>;
export type DeploymentCondition = Wire<k8s.V1DeploymentCondition>;
export type ReplicaSet = Stored<k8s.V1ReplicaSet>;
export type ReplicationController = Stored<k8s.V1ReplicationController>;
export type ControllerRevision = Stored<k8s.V1ControllerRevision>;
export type DaemonSet = Stored<k8s.V1DaemonSet>;
export type StatefulSet = Stored<k8s.V1StatefulSet>;
export type Job = Stored<k8s.V1Job>;
export type JobSpec = Wire<k8s.V1JobSpec>;
export type JobCondition = Wire<k8s.V1JobCondition>;
export type CronJob = Stored<k8s.V1CronJob>;
export type PodDisruptionBudget = Stored<k8s.V1PodDisruptionBudget>;
export type IPAddress = Stored<k8s.V1IPAddress>;
export type ServiceCIDR = Stored<k8s.V1ServiceCIDR>;
export type DeviceClass = Stored<k8s.V1DeviceClass>;
export type DeviceSelector = Wire<k8s.V1DeviceSelector>;
export type DeviceToleration = Wire<k8s.V1DeviceToleration>;
export type DeviceClaim = Wire<k8s.V1DeviceClaim>;
export type Device = Wire<k8s.V1Device>;
export type NodeSelector = Wire<k8s.V1NodeSelector>;
export type ResourceClaim = Stored<k8s.ResourceV1ResourceClaim>;
export type ResourceClaimTemplate = Stored<k8s.V1ResourceClaimTemplate>;
export type ResourceSlice = Stored<k8s.V1ResourceSlice>;
export type Condition = Wire<k8s.V1Condition>;
export type RuntimeClass = Stored<k8s.V1RuntimeClass>;
export type PodTemplate = Stored<k8s.V1PodTemplate>;
export type Scale = Stored<k8s.V1Scale>;
export type Eviction = Stored<k8s.V1Eviction>;
export type Binding = Stored<k8s.V1Binding>;
export type TokenRequest = Stored<k8s.AuthenticationV1TokenRequest>;

/** Any stored object. Shapes beyond metadata belong to the kind. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

/** A list as the API answers it. */
export interface KubeList<T extends KubeObject = KubeObject> {
  apiVersion: string;
  kind: string;
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
  items: T[];
}
