// The release of Kubernetes whose API is served: that of the types the build takes from the official client.
const kubernetesVersion = { major: "1", minor: "36", gitVersion: "v1.36.0" } as const;

export function versionInfo(): Record<string, string> {
  return {
    ...kubernetesVersion,
    emulationMajor: "1",
    emulationMinor: "36",
    minCompatibilityMajor: "1",
    minCompatibilityMinor: "35",
    gitCommit: "portolan",
    gitTreeState: "clean",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: "none",
    compiler: "node",
    platform: `linux/${process.arch === "x64" ? "amd64" : process.arch}`,
  };
}
