/** /proc/PID/mountinfo (proc_pid_mountinfo(5)). */

export interface MountEntry {
  id: number;
  /** `major:minor` of the file system. */
  device: string;
  /** Which folder or file of the file system is mounted. */
  root: string;
  /** Where, seen from the process's root. */
  point: string;
  type: string;
}

/** Blanks and line ends in paths are written as octal numbers. */
const plain = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/** The mounts in the order of the file; later ones may cover earlier ones. */
export function parseMountInfo(text: string): MountEntry[] {
  return text.split('\n').flatMap((line) => {
    const [left = '', right] = line.split(' - ');
    const [id, , device, root, point] = left.split(' ');
    if (right === undefined || device === undefined || root === undefined || point === undefined) return [];
    return [{ id: Number(id), device, root: plain(root), point: plain(point), type: right.split(' ')[0] ?? '' }];
  });
}
