/** A JSON object whose fields are not known. */
export type JsonObject = Record<string, unknown>;

/** True for a JSON object; false for null and arrays. */
export const isJsonObject = (v: unknown): v is JsonObject =>
  typeof v === "object" && v !== null && !Array.isArray(v);
