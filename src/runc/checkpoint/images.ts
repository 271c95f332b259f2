/** The folders of a checkpoint: where criu writes its images, and where its log. */
import { closeSync, constants, mkdirSync, openSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/** What the standard streams were, for restore; runc and crun write the same file. */
const DESCRIPTORS = 'descriptors.json';

export interface ImagePaths {
  /** Absolute folder of the images. */
  images: string;
  /** Absolute folder of logs; the images' one when it is left out. */
  work?: string | undefined;
  /** Folder of the checkpoint before, relative to `images`. */
  parent?: string | undefined;
}

/** @throws Error when the parent cannot be one */
function checkParent({ images, parent }: ImagePaths): void {
  if (!parent) return;
  if (isAbsolute(parent))
    throw new Error(`--parent-path must be relative to the image path, and ${parent} is absolute: criu makes a symbolic link of it`);
  const folder = join(images, parent);
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) throw new Error(`invalid --parent-path: ${folder}: ${stat ? 'not a directory' : 'no such directory'}`);
}

export interface OpenImages {
  /** Descriptors for criu, which finds them in our /proc folder. */
  images: number;
  work?: number;
  close(): void;
}

/**
 * Makes the folders that are missing, closed to other users: an image has all of the container's memory.
 * @throws Error when the parent path is wrong
 */
export function makeImages(paths: ImagePaths): void {
  mkdirSync(paths.images, { recursive: true, mode: 0o700 });
  checkParent(paths);
  if (paths.work) mkdirSync(paths.work, { recursive: true, mode: 0o700 });
}

/**
 * Opens the folders.
 * @param root in whose mounts: criu mounts in its work folder, and can do so only in its own mount namespace
 */
export function openImages(paths: ImagePaths, root = '/'): OpenImages {
  const open = (path: string): number => openSync(join(root, realpathSync(path)), constants.O_RDONLY | constants.O_DIRECTORY);
  const images = open(paths.images);
  const work = paths.work ? open(paths.work) : undefined;
  const close = () => {
    closeSync(images);
    if (work !== undefined) closeSync(work);
  };
  return { images, close, ...(work === undefined ? {} : { work }) };
}

export const logPath = (paths: ImagePaths, name: string): string => join(paths.work ?? paths.images, name);

export const saveDescriptors = (images: string, descriptors: string[]): void =>
  writeFileSync(join(images, DESCRIPTORS), JSON.stringify(descriptors), { mode: 0o600 });

/** @throws Error when there is no checkpoint in the folder */
export function loadDescriptors(images: string): string[] {
  let text: string;
  try {
    text = readFileSync(join(images, DESCRIPTORS), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error(
      `there is no checkpoint in ${images}: it has no ${DESCRIPTORS}; --image-path names the folder that checkpoint has written`,
    );
  }
  const descriptors: unknown = JSON.parse(text);
  if (!Array.isArray(descriptors) || !descriptors.every((d) => typeof d === 'string'))
    throw new Error(`${join(images, DESCRIPTORS)} is not a list of texts, as checkpoint writes it`);
  return descriptors;
}
