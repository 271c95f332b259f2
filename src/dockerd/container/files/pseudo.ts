/** File systems that are a view of the kernel and hold no files of anybody: nothing to copy from, or to. */
import { statfsSync } from 'node:fs';

/** By the number that statfs(2) has for them; linux/magic.h. */
const PSEUDO = new Set([
  0x9fa0, // proc
  0x62656572, // sysfs
  0x1cd1, // devpts
  0x27e0eb, // cgroup
  0x63677270, // cgroup2
  0x19800202, // mqueue
  0x64626720, // debugfs
  0x74726163, // tracefs
  0x73636673, // securityfs
  0xcafe4a11, // bpf
  0xf97cff8c, // selinuxfs
  0x6e736673, // nsfs
]);

export const isPseudo = (fd: number): boolean => PSEUDO.has(statfsSync(`/proc/self/fd/${fd}`).type);
