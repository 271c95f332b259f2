/** The messages on the control socket: `struct record` of native/minirun-init.c. */
export const RECORD_SIZE = 24;

export type RecordKind = 'begin' | 'end' | 'fail' | 'signal' | 'unexpected';
const KINDS: readonly (RecordKind | undefined)[] = [undefined, 'begin', 'end', 'fail', 'signal', 'unexpected'];

export interface Record {
  kind: RecordKind;
  /** Index of the step in the program. */
  step: number;
  /** The call's result; -errno when it failed; for `unexpected`, which check did not hold. */
  result: number;
  /** How long the call took, in nanoseconds. */
  ns: number;
}

export function decodeRecord(bytes: Buffer): Record {
  const kind = KINDS[bytes.readUInt32LE(0)];
  if (!kind) throw new Error(`unknown record ${bytes.readUInt32LE(0)} on the control socket`);
  return {
    kind,
    step: bytes.readUInt32LE(4),
    result: Number(bytes.readBigInt64LE(8)),
    ns: Number(bytes.readBigUInt64LE(16)),
  };
}

export function encodeRecord(record: Record): Buffer {
  const bytes = Buffer.alloc(RECORD_SIZE);
  bytes.writeUInt32LE(KINDS.indexOf(record.kind), 0);
  bytes.writeUInt32LE(record.step, 4);
  bytes.writeBigInt64LE(BigInt(record.result), 8);
  bytes.writeBigUInt64LE(BigInt(record.ns), 16);
  return bytes;
}
