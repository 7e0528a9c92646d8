// Sizes of base64 text.

/** How many bytes standard base64 stands for. */
export function byteLengthOfBase64(text: string): number {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return Math.max(0, Math.floor((text.length * 3) / 4) - padding);
}
