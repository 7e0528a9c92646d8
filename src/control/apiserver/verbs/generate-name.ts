// Names from metadata.generateName: the prefix and five letters that cannot spell words (apiserver names.SimpleNameGenerator).
import { randomInt } from "node:crypto";

const letters = "bcdfghjklmnpqrstvwxz2456789";
const suffixLength = 5;
const maxPrefix = 63 - suffixLength;

export function randomSuffix(): string {
  let out = "";
  for (let i = 0; i < suffixLength; i++) out += letters[randomInt(letters.length)];
  return out;
}

export const generateName = (prefix: string): string => prefix.slice(0, maxPrefix) + randomSuffix();
