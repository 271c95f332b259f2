/** The name of a stack of layers, made from the digests of all of them. */
import { digestOf } from '../content/digest.ts';

/**
 * The chain id of each layer with those below it.
 * @param diffIds digests of the uncompressed layers, the lowest first
 * @see https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid
 */
export function chainIds(diffIds: readonly string[]): string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chain;
}
