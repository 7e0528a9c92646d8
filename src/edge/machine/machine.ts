// What this machine is, as a Node object tells it.
import { randomUUID } from "node:crypto";
import { readFileSync, statfsSync } from "node:fs";
import { availableParallelism, freemem, release, totalmem } from "node:os";
import type { MachineFacts, MachineRoom } from "../../agents/kubelet/mod.ts";

function text(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}

const goArch: Record<string, string> = { x64: "amd64", arm64: "arm64", ia32: "386", ppc64: "ppc64le" };

/** `dir`: a directory on the file system that pods write to. */
export function readMachine(dir: string): MachineFacts {
  const disk = statfsSync(dir);
  const osName = /^PRETTY_NAME="?(.*?)"?$/m.exec(text("/etc/os-release"))?.[1] ?? "Linux";
  const bootID = text("/proc/sys/kernel/random/boot_id");
  const machineID = text("/etc/machine-id") || (bootID || randomUUID()).replaceAll("-", "");
  return {
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    storageBytes: disk.blocks * disk.bsize,
    machineID,
    systemUUID: text("/sys/class/dmi/id/product_uuid") || bootID,
    bootID,
    kernelVersion: release(),
    osImage: osName,
    architecture: goArch[process.arch] ?? process.arch,
  };
}

/** What is left: memory, PIDs, and room on the file system that holds `dir`. */
export function readRoom(dir: string): MachineRoom {
  const disk = statfsSync(dir);
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(text("/proc/meminfo"))?.[1];
  const running = /^\S+ \S+ \S+ \d+\/(\d+)/.exec(text("/proc/loadavg"))?.[1];
  const most = Number(text("/proc/sys/kernel/pid_max") || Number.POSITIVE_INFINITY);
  return {
    availableMemoryBytes: available ? Number(available) * 1024 : freemem(),
    availableStorageBytes: disk.bavail * disk.bsize,
    // File systems without a fixed number of inodes say 0 of 0.
    availableInodes: disk.files === 0 ? Number.POSITIVE_INFINITY : disk.ffree,
    availablePids: most - Number(running ?? 0),
  };
}
