/** Bodies of requests: JSON that is checked, or a stream that is handed on. */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import * as v from 'valibot';
import { ApiError, badRequest } from './api-error.ts';

/** Larger than any container that a person would describe; in bytes. */
const MAX_JSON = 8 << 20;

/** All of a body. @throws 413 when it is larger than the limit */
export async function readAll(stream: Readable, limit = MAX_JSON): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of stream as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > limit) throw new ApiError(413, `request body too large: more than ${limit} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/**
 * The body for somebody who may give up in the middle: that he ends it does not cut the connection,
 * over which he still has to say why.
 */
export const lent = (body: Readable): Readable =>
  Readable.from(body.iterator({ destroyOnReturn: false }), { objectMode: false, highWaterMark: 1 << 20 });

/** `HostConfig.Memory: Expected number but received "abc"`. */
export function describeIssue(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue);
  return path ? `${path}: ${issue.message}` : issue.message;
}

/** @throws 400 that names the field */
export function checked<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw badRequest(`invalid request body: ${describeIssue(result.issues[0])}`);
}

/** A JSON body; an empty one counts as `{}`. @throws 400 */
export async function readJson<S extends v.GenericSchema>(schema: S, request: Readable): Promise<v.InferOutput<S>> {
  const text = (await readAll(request)).toString('utf8').trim();
  let value: unknown = {};
  try {
    if (text !== '') value = JSON.parse(text);
  } catch (error) {
    throw badRequest(`invalid JSON in the request body: ${(error as Error).message}`);
  }
  if (Array.isArray(value)) throw badRequest('invalid request body: a list, and not an object');
  return checked(schema, value ?? {});
}

/** A header that holds base64 of JSON, as X-Registry-Auth. An empty or broken one counts as nothing, as in Docker. */
export function headerJson(request: IncomingMessage, name: string): unknown {
  const value = request.headers[name.toLowerCase()];
  if (typeof value !== 'string' || value === '') return undefined;
  try {
    return JSON.parse(Buffer.from(value, 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
}
