/** Which handler a request is for: method and path, with or without `/v1.41` before it. */
import { ApiError, badRequest, notFound } from './api-error.ts';
import type { Handler } from './call.ts';

/** The newest version of the API that is spoken, and the oldest that is not refused. */
export const API_VERSION = '1.50';
export const MIN_API_VERSION = '1.24';

export interface Route {
  method: string;
  pattern: RegExp;
  names: string[];
  handler: Handler;
}

/**
 * `route('GET', '/containers/{id}/json', …)`: `{id}` is one part of a path, `{name...}` may hold
 * slashes, as the names of images do.
 */
export function route(method: string, path: string, handler: Handler): Route {
  const names: string[] = [];
  const source = path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{(\w+)(\\\.\\\.\\\.)?\}/g, (_, name: string, many?: string) => {
    names.push(name);
    return many ? '(.+)' : '([^/]+)';
  });
  return { method, pattern: new RegExp(`^${source}$`), names, handler };
}

export interface Found {
  handler: Handler;
  params: Record<string, string>;
  version: readonly [number, number];
}

const numbers = (version: string): [number, number] => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return [major, minor];
};

function versionOf(given: string | undefined): [number, number] {
  const version = numbers(given ?? API_VERSION);
  if (given === undefined) return version;
  const [major, minor] = version;
  const [, newest] = numbers(API_VERSION);
  const [, oldest] = numbers(MIN_API_VERSION);
  if (major !== 1 || minor > newest)
    throw badRequest(`client version ${given} is too new. Maximum supported API version is ${API_VERSION}`);
  if (minor < oldest)
    throw badRequest(
      `client version ${given} is too old. Minimum supported API version is ${MIN_API_VERSION}, please upgrade your client to a newer version`,
    );
  return version;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badRequest(`invalid path: ${JSON.stringify(part)} is not well encoded`);
  }
}

/** @throws 404 page not found, as Docker says it; 405 for another method; 400 for a version that is not spoken */
export function find(routes: readonly Route[], method: string, path: string): Found {
  const [, given, rest = path] = /^\/v(\d+\.\d+)(\/.*)$/.exec(path) ?? [];
  const version = versionOf(given);
  let other = false;
  for (const { method: wanted, pattern, names, handler } of routes) {
    const match = pattern.exec(rest);
    if (!match) continue;
    if (wanted !== method) {
      other = true;
      continue;
    }
    return { handler, version, params: Object.fromEntries(names.map((name, i) => [name, decoded(match[i + 1] as string)])) };
  }
  throw other ? new ApiError(405, `method ${method} is not allowed for ${rest}`) : notFound('page not found');
}
