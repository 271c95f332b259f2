/** A registry's refusals in Docker's words, by which scripts tell them apart. */
import { familiarReference, type Reference } from '../../containerd/registry/reference.ts';
import { isRegistryError, type RegistryError } from '../../containerd/registry/registry-error.ts';
import { ApiError, notFound } from '../http/api-error.ts';
import { registryError } from './connection-words.ts';
import { shownRepository } from './reference.ts';

/** What a registry said, anywhere in the chain of causes. */
function refusalIn(error: unknown): RegistryError | undefined {
  for (let at = error, hops = 0; at !== undefined && hops < 8; at = (at as { cause?: unknown }).cause, hops++) {
    if (isRegistryError(at)) return at;
  }
  return undefined;
}

const words = ({ faults }: RegistryError, otherwise: string): string =>
  faults.map(({ code, message }) => `${code.toLowerCase().replaceAll('_', ' ')}: ${message}`).join('; ') || otherwise;

/** An error of a transfer as one that can be sent. The words stay, where Docker has none of its own. */
export function pullError(error: unknown, reference: Reference): ApiError {
  if (error instanceof ApiError) return error;
  const refusal = refusalIn(error);
  const repository = shownRepository(reference);
  if (refusal?.status === 404) {
    const unknown = refusal.faults.find(({ code }) => code === 'NAME_UNKNOWN');
    if (unknown) return notFound(`repository ${repository} not found: ${words(refusal, '')}`);
    return notFound(`manifest for ${familiarReference(reference)} not found: ${words(refusal, 'manifest unknown: manifest unknown')}`);
  }
  if (refusal?.status === 401 || refusal?.status === 403) {
    const otherwise =
      refusal.status === 401 ? 'unauthorized: authentication required' : 'denied: requested access to the resource is denied';
    const said = words(refusal, otherwise);
    return notFound(`pull access denied for ${repository}, repository does not exist or may require 'docker login': ${said}`);
  }
  const { status, message, cause } = registryError(error);
  return new ApiError(status, message.replace(/^failed to resolve reference "[^"]*": /, ''), { cause });
}
