// The status of a ResourceClaim: what was allocated, for whom it is reserved, and what drivers say of the devices
// (kubernetes pkg/apis/resource/validation).
import type { FieldError } from "../../status.ts";
import type { ResourceClaim } from "../../types.ts";
import {
  forbidden,
  immutable,
  invalid,
  notSupported,
  required,
  semanticEqual,
  tooLong,
  tooMany,
  validateConditions,
  validateInterfaceAddress,
} from "../meta/mod.ts";
import { validateNodeSelector } from "../pod/mod.ts";
import { validateBindingConditions } from "./binding-conditions.ts";
import { maxConfigurations, validateConfiguration, validateRaw } from "./configuration.ts";
import { validateList } from "./lists.ts";
import { validateDriverName, validatePoolName, validateShortName, validateUID } from "./names.ts";
import { requestNames, validateRequestReference, validateRequestReferences } from "./requests.ts";

type Status = NonNullable<ResourceClaim["status"]>;
type Allocation = NonNullable<Status["allocation"]>;
type Result = NonNullable<NonNullable<Allocation["devices"]>["results"]>[number];
type Configuration = NonNullable<NonNullable<Allocation["devices"]>["config"]>[number];
type DeviceStatus = NonNullable<Status["devices"]>[number];
type Consumer = NonNullable<Status["reservedFor"]>[number];

const maxResults = 32;
const maxConsumers = 256;
const maxConditions = 8;
const maxAddresses = 16;
const interfaceBytes = 256;
const hardwareBytes = 128;

/** One device, or one share of it, as Kubernetes prints it in messages. */
const identity = (d: Pick<DeviceStatus, "driver" | "pool" | "device" | "shareID">): object => ({
  Driver: d.driver,
  Pool: d.pool,
  Device: d.device,
  ShareID: d.shareID ?? "",
});

const allocated = (status: Status | undefined): Set<string> =>
  new Set((status?.allocation?.devices?.results ?? []).map((r) => JSON.stringify(identity(r))));

/** Drops what drivers said of devices that this write takes from the claim. */
export function dropDeallocated(status: Status | undefined, old: Status | undefined): void {
  if (!status?.devices) return;
  const now = allocated(status);
  const was = allocated(old);
  const gone = (d: DeviceStatus): boolean => {
    const id = JSON.stringify(identity(d));
    return was.has(id) && !now.has(id);
  };
  status.devices = status.devices.filter((d) => !gone(d));
  if (status.devices.length === 0) delete status.devices;
}

const validateConsumer = (c: Consumer, path: string): FieldError[] =>
  (["resource", "name", "uid"] as const).flatMap((key) => (c[key] ? [] : [required(`${path}.${key}`)]));

const notLonger = (text: string | undefined, max: number, path: string): FieldError[] =>
  Buffer.byteLength(text ?? "") > max ? [tooLong(path, max)] : [];

function validateNetwork(n: NonNullable<DeviceStatus["networkData"]>, path: string): FieldError[] {
  return [
    ...notLonger(n.interfaceName, interfaceBytes, `${path}.interfaceName`),
    ...notLonger(n.hardwareAddress, hardwareBytes, `${path}.hardwareAddress`),
    ...validateList(n.ips, `${path}.ips`, {
      max: maxAddresses,
      item: (ip, at) => validateInterfaceAddress(at, ip),
      key: (ip) => ip,
    }),
  ];
}

function validateDevice(d: DeviceStatus, path: string, known: ReadonlySet<string>): FieldError[] {
  const conditions = `${path}.conditions`;
  const count = d.conditions?.length ?? 0;
  const id = identity(d);
  return [
    ...validateDriverName(d.driver, `${path}.driver`),
    ...validatePoolName(d.pool, `${path}.pool`),
    ...validateShortName(d.device, `${path}.device`),
    ...(d.shareID == null ? [] : validateUID(d.shareID, `${path}.shareID`)),
    ...(known.has(JSON.stringify(id)) ? [] : [invalid(path, id, "must be an allocated device in the claim")]),
    ...(count > maxConditions ? [tooMany(conditions, count, maxConditions)] : []),
    ...validateConditions(d.conditions, conditions),
    ...(d.data == null ? [] : validateRaw(d.data, `${path}.data`)),
    ...(d.networkData ? validateNetwork(d.networkData, `${path}.networkData`) : []),
  ];
}

function validateResult(r: Result, path: string, names: ReadonlySet<string>): FieldError[] {
  return [
    ...validateRequestReference(r.request, `${path}.request`, names),
    ...validateDriverName(r.driver, `${path}.driver`),
    ...validatePoolName(r.pool, `${path}.pool`),
    ...validateShortName(r.device, `${path}.device`),
    ...validateBindingConditions(r, path),
    ...(r.shareID == null ? [] : validateUID(r.shareID, `${path}.shareID`)),
  ];
}

const sources = ["FromClaim", "FromClass"];

function validateSource(source: string | undefined, path: string): FieldError[] {
  if (!source) return [required(path)];
  return sources.includes(source) ? [] : [notSupported(path, source, sources)];
}

const validateSettled = (c: Configuration, path: string, names: ReadonlySet<string>): FieldError[] => [
  ...validateSource(c.source, `${path}.source`),
  ...validateRequestReferences(c.requests, `${path}.requests`, names),
  ...validateConfiguration(c, path),
];

function validateAllocation(a: Allocation, path: string, names: ReadonlySet<string>): FieldError[] {
  return [
    ...validateList(a.devices?.results, `${path}.devices.results`, {
      max: maxResults,
      item: (r, at) => validateResult(r, at, names),
    }),
    ...validateList(a.devices?.config, `${path}.devices.config`, {
      // The class's and the claim's.
      max: 2 * maxConfigurations,
      item: (c, at) => validateSettled(c, at, names),
    }),
    ...(a.nodeSelector ? validateNodeSelector(a.nodeSelector, `${path}.nodeSelector`) : []),
  ];
}

function validateReserved(claim: ResourceClaim, old: ResourceClaim): FieldError[] {
  const path = "status.reservedFor";
  const consumers = claim.status?.reservedFor ?? [];
  if (consumers.length === 0) return [];
  if (!claim.status?.allocation) return [forbidden(path, "may not be specified when `allocated` is not set")];
  const had = old.status?.reservedFor ?? [];
  const added = consumers.some((c) => !had.some((h) => semanticEqual(h, c)));
  const detail = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set";
  return claim.metadata.deletionTimestamp && added ? [forbidden(path, detail)] : [];
}

function validateAllocated(claim: ResourceClaim, old: ResourceClaim): FieldError[] {
  const path = "status.allocation";
  const now = claim.status?.allocation;
  if (!now) return [];
  if (old.status?.allocation) return immutable(path, now, old.status.allocation);
  return validateAllocation(now, path, requestNames(claim.spec?.devices));
}

export function validateClaimStatus(claim: ResourceClaim, old: ResourceClaim): FieldError[] {
  const known = allocated(claim.status);
  return [
    ...validateList(claim.status?.reservedFor, "status.reservedFor", {
      max: maxConsumers,
      item: validateConsumer,
      key: (c) => c.uid,
    }),
    ...validateList(claim.status?.devices, "status.devices", {
      max: Number.POSITIVE_INFINITY,
      item: (d, at) => validateDevice(d, at, known),
      key: identity,
    }),
    ...validateReserved(claim, old),
    ...validateAllocated(claim, old),
  ];
}
