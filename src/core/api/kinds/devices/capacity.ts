// How much of a device there is, and in which amounts claims may share it (kubernetes pkg/apis/resource/validation).
import {
  addQuantities,
  compareQuantities,
  parseQuantity,
  printQuantity,
  type Quantity,
  scaledValue,
} from "../../quantity/mod.ts";
import type { FieldError } from "../../status.ts";
import type { Device } from "../../types.ts";
import { forbidden, invalid, required } from "../meta/mod.ts";
import { validateList } from "./lists.ts";

type Capacity = NonNullable<Device["capacity"]>[string];
type Policy = NonNullable<Capacity["requestPolicy"]>;
type Range = NonNullable<Policy["validRange"]>;

const maxValues = 10;

const exceeds = (a: Quantity, b: Quantity): boolean => compareQuantities(a, b) > 0;
const whole = (q: Quantity): bigint => scaledValue(q, 0);

/** `usual`: what a claim gets that does not say; `most`: all there is. */
interface Bounds {
  usual: Quantity;
  most: Quantity;
}

function validateValues(values: readonly string[], path: string, { usual, most }: Bounds): FieldError[] {
  const amounts = values.map(parseQuantity);
  const total = printQuantity(most);
  return [
    ...amounts.flatMap((a, i) =>
      i > 0 && exceeds(amounts[i - 1]!, a)
        ? [invalid(`${path}[${i}]`, printQuantity(a), "values must be sorted in ascending order")]
        : [],
    ),
    ...validateList(amounts, path, {
      max: maxValues,
      item: (a, at) =>
        exceeds(a, most)
          ? [invalid(at, printQuantity(a), `option is larger than capacity value: ${total}`)]
          : [],
      key: (a) => String(whole(a)),
    }),
    ...(amounts.some((a) => compareQuantities(a, usual) === 0)
      ? []
      : [invalid(path, printQuantity(usual), "default value is not valid according to the requestPolicy")]),
  ];
}

/** What lies between the least and the greatest amount is dealt out in steps. */
function validateStep(
  step: Quantity,
  path: string,
  of: Bounds & { min: Quantity; max?: Quantity },
): FieldError[] {
  const { usual, most, min, max } = of;
  const next = addQuantities(min, step);
  const misfits = [usual, ...(max ? [max] : [])].filter(
    (q) => whole(step) === 0n || (whole(q) - whole(min)) % whole(step) !== 0n,
  );
  return [
    ...(exceeds(next, most)
      ? [
          invalid(
            path,
            printQuantity(step),
            `one step ${printQuantity(next)} is larger than capacity value: ${printQuantity(most)}`,
          ),
        ]
      : []),
    ...misfits.map((q) =>
      invalid(
        path,
        printQuantity(q),
        `value is not a multiple of a given step (${printQuantity(step)}) from (${printQuantity(min)})`,
      ),
    ),
  ];
}

function validateRange(range: Range, path: string, bounds: Bounds): FieldError[] {
  if (range.min == null) return [required(`${path}.min`, "required when validRange is defined")];
  const { usual, most } = bounds;
  const min = parseQuantity(range.min);
  const max = range.max == null ? undefined : parseQuantity(range.max);
  const step = range.step == null ? undefined : parseQuantity(range.step);
  const [least, total] = [printQuantity(min), printQuantity(most)];
  const errors: FieldError[] = [];
  const refuse = (wrong: boolean, field: string, value: Quantity, detail: string): void => {
    if (wrong) errors.push(invalid(`${path}.${field}`, printQuantity(value), detail));
  };
  refuse(exceeds(min, most), "min", min, `min is larger than capacity value: ${total}`);
  refuse(exceeds(min, usual), "min", usual, `default is less than min: ${least}`);
  if (max) {
    const greatest = printQuantity(max);
    refuse(exceeds(min, max), "max", min, `min is larger than max: ${greatest}`);
    refuse(exceeds(max, most), "max", max, `max is larger than capacity value: ${total}`);
    refuse(exceeds(usual, max), "max", usual, `default is more than max: ${greatest}`);
  }
  if (step) errors.push(...validateStep(step, `${path}.step`, { ...bounds, min, ...(max ? { max } : {}) }));
  return errors;
}

function validatePolicy(policy: Policy, path: string, most: Quantity): FieldError[] {
  const { validRange, default: usual } = policy;
  const values = policy.validValues ?? [];
  const kind = values.length > 0 ? "validValues" : validRange ? "validRange" : undefined;
  if (values.length > 0 && validRange)
    return [
      forbidden(
        path,
        'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time',
      ),
    ];
  if (!kind) return [];
  if (usual == null) return [required(`${path}.default`, `required when ${kind} is defined`)];
  const bounds = { usual: parseQuantity(usual), most };
  return validRange
    ? validateRange(validRange, `${path}.validRange`, bounds)
    : validateValues(values, `${path}.validValues`, bounds);
}

/** `shared`: whether several claims may have a part of the device each. */
export function validateCapacity(c: Capacity, path: string, { shared }: { shared: boolean }): FieldError[] {
  if (!c.requestPolicy) return [];
  const at = `${path}.requestPolicy`;
  if (!shared) return [forbidden(at, "allowMultipleAllocations must be true")];
  return validatePolicy(c.requestPolicy, at, parseQuantity(c.value));
}
