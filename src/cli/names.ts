/** Ids and names for containers. */
import { randomBytes, randomInt } from 'node:crypto';

/** 256 random bits, as Docker's ids. */
export const newId = (): string => randomBytes(32).toString('hex');

const HOW =
  'amber bold brisk calm clever cosy crisp curious eager early fair fond gentle glad green happy honest jolly keen kind lively lucky merry mild neat noble proud quick quiet ready rosy sharp silent silver sleek steady sunny swift tidy warm wise witty'.split(
    ' ',
  );
const WHO =
  'badger beaver bison bream crane curlew dormouse egret falcon ferret finch gannet gecko heron ibex jackdaw kestrel lapwing lemur linnet lynx marten merlin newt ocelot osprey otter owl plover puffin quail raven robin seal shrew stoat stork swan tern thrush vole wagtail walrus wren'.split(
    ' ',
  );

/** A name that can be said over the telephone: `calm_otter`. */
export function newName(taken: (name: string) => boolean): string {
  for (let i = 0; i < 20; i++) {
    const name = `${HOW[randomInt(HOW.length)]}_${WHO[randomInt(WHO.length)]}${i < 10 ? '' : randomInt(100)}`;
    if (!taken(name)) return name;
  }
  return `container_${randomBytes(4).toString('hex')}`;
}
