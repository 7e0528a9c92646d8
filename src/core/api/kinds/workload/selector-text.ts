// A selector as the scale subresource carries it.
import type { LabelSelector } from "../../types.ts";
import { formatLabelSelector, formatLabels } from "../table/mod.ts";

const nothing = (text: string): string => (text === "<none>" ? "" : text);

export const selectorText = (s: LabelSelector | null | undefined): string => nothing(formatLabelSelector(s));
export const labelsText = (l: Record<string, string> | null | undefined): string => nothing(formatLabels(l));
