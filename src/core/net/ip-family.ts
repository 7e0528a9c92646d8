// The address families by the names that Kubernetes' objects call them.

export type IPFamily = "IPv4" | "IPv6";

/** Of an address or a range as text that is known to be one. */
export const familyOf = (text: string): IPFamily => (text.includes(":") ? "IPv6" : "IPv4");

export const otherFamily = (family: IPFamily): IPFamily => (family === "IPv4" ? "IPv6" : "IPv4");
