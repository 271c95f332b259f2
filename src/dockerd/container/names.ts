/** Ids and names for containers. */
import { closeSync, openSync, readSync } from 'node:fs';

/** From the kernel: node:crypto takes 3 ms to load, of each start. */
function randomBytes(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  const fd = openSync('/dev/urandom', 'r');
  try {
    readSync(fd, bytes);
  } finally {
    closeSync(fd);
  }
  return bytes;
}

/** Of fewer than 256, with no more bias than a name needs. */
const randomInt = (below: number): number => randomBytes(2).readUInt16LE() % below;

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
