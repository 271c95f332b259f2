/** A program as JSON: numbers too large for a double are written as strings, "0x…". */
import type { Program } from './step.ts';

export function encodeProgram(program: Program, indent?: number): string {
  return JSON.stringify(program, (_key, value) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value), indent);
}

/** Fields that are bigints by type, and the `value` of an int argument when it was written as a string. */
export function decodeProgram(json: string): Program {
  return JSON.parse(json, (key, value) =>
    typeof value === 'string' && (key === 'value' || key === 'mask' || key === 'equals') && /^0x[0-9a-f]+$/.test(value)
      ? BigInt(value)
      : value,
  ) as Program;
}
