/** From where an image can come: the mirrors of its registry, in their order, and then the registry itself. */
import { Code, ConnectError } from '@connectrpc/connect';
import { notFound } from '../errors.ts';
import type { Descriptor } from './descriptor.ts';
import { getManifest, headManifest } from './manifests.ts';
import { formatReference, objectOf, type Reference, registryHost } from './reference.ts';
import { openRegistry, type Registry } from './registry.ts';
import { isRegistryError, isStatus } from './registry-error.ts';
import type { RegistrySettings } from './settings.ts';

export interface Source {
  registry: Registry;
  repository: string;
  /** a mirror, whose failures are nobody's affair as long as another source has it */
  mirror: boolean;
}

export interface Sources {
  /** the best first */
  readonly list: readonly Source[];
  close(): void;
}

/** Opens nothing yet; close them in the end. */
export function openSources({ domain, path }: Reference, settings: RegistrySettings): Sources {
  const mirrors = settings.mirrorsOf?.[domain] ?? (domain === 'docker.io' ? settings.mirrors : undefined) ?? [];
  const list = [...mirrors.map((url) => ({ where: url, mirror: true })), { where: registryHost(domain), mirror: false }].map(
    ({ where, mirror }): Source => ({ registry: openRegistry(where, settings), repository: path, mirror }),
  );
  return { list, close: () => list.forEach(({ registry }) => void registry.close()) };
}

/**
 * The first source that can do it.
 * @throws what the last one, the registry itself, says
 */
export async function tryEach<T>(sources: readonly Source[], act: (source: Source) => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (const [i, source] of sources.entries()) {
    try {
      return await act(source);
    } catch (error) {
      if (i + 1 === sources.length || signal?.aborted) throw error;
    }
  }
  throw notFound('no pull hosts');
}

/** A registry's refusal as containerd tells it: whether a repository is missing or private, many registries do not say. */
export function explainRefusal(error: unknown, access: 'pull' | 'push'): unknown {
  if (!(error instanceof ConnectError)) return error;
  const refused = isStatus(error, 401, 403) || error.code === Code.Unauthenticated || error.code === Code.PermissionDenied;
  if (!refused) return error;
  const said = isRegistryError(error) ? error.faults.map((f) => `${f.code.toLowerCase()}: ${f.message}`).join('; ') : '';
  const text = `${access} access denied, repository does not exist or may require authorization: server message: ${said || error.rawMessage}`;
  return new ConnectError(text, error.code);
}

export interface Resolved {
  /** what the name points to now */
  target: Descriptor;
  /** those that are asked for the content: the one that answered, and those after it */
  sources: readonly Source[];
  /** the manifest, where the registry would not tell without sending it */
  bytes?: Buffer;
}

/** Asks what a reference points to. @throws not found, unauthenticated, permission denied */
export async function resolve(reference: Reference, sources: readonly Source[], signal?: AbortSignal): Promise<Resolved> {
  const object = objectOf(reference);
  try {
    return await tryEach(
      sources,
      async (source) => {
        const rest = sources.slice(sources.indexOf(source));
        const target = await headManifest(source.registry, source.repository, object, signal);
        if (target !== undefined) return { target, sources: rest };
        const { descriptor, bytes } = await getManifest(source.registry, source.repository, object, signal);
        return { target: descriptor, sources: rest, bytes };
      },
      signal,
    );
  } catch (error) {
    const missing = error instanceof ConnectError && error.code === Code.NotFound;
    const refusal = (missing ? notFound(formatReference(reference)) : explainRefusal(error, 'pull')) as Error;
    const text = refusal instanceof ConnectError ? refusal.rawMessage : refusal.message;
    const code = refusal instanceof ConnectError ? refusal.code : Code.Unavailable;
    if (signal?.aborted) throw error;
    throw new ConnectError(
      `failed to resolve reference ${JSON.stringify(formatReference(reference))}: ${text}`,
      code,
      undefined,
      undefined,
      error,
    );
  }
}
