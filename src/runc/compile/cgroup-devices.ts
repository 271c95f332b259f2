/** The steps that put the device rules in force. */
import { O } from '../../libc/flags.ts';
import { AT_FDCWD } from '../program/args.ts';
import { bpfProgAttach, bpfProgLoad, openat } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import type { CgroupPaths } from './cgroup-paths.ts';
import { allowsAll, deviceRules, v1Writes } from './device-rules.ts';
import { BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI, BPF_PROG_TYPE_CGROUP_DEVICE, deviceProgram } from './device-rules-ebpf.ts';
import { add, closeResult, type Draft, type Setting, writeFile, writeValues } from './draft.ts';

/**
 * The runtime's steps for config.linux.resources.devices. None for an ordinary user or inside a
 * user namespace: the kernel lets only the machine's root set such rules, and forbids to others
 * the mknod that they guard against. None either where everything is allowed.
 */
export function compileDeviceRules(draft: Draft, paths: CgroupPaths): void {
  const { host, config } = draft;
  if (host.uid !== 0 || host.inUserNamespace) return;
  const given = config.linux?.resources?.devices;
  const rules = deviceRules(given);
  if (allowsAll(rules)) return;
  const setting: Setting = { actor: 'runtime', chapter: 'cgroup', from: given?.length ? '#/linux/resources/devices' : 'minirun' };

  const list = paths.v1.devices;
  if (list !== undefined) {
    const [reset, ...exceptions] = v1Writes(rules);
    if (reset) {
      writeFile(
        draft,
        setting,
        `${list}/${reset.file}`,
        reset.value,
        `${rules.otherwise ? 'Allows' : 'Forbids'} all devices, before the exceptions. A device file is a door to a driver of the host, whoever made the file: with the number of the host's disk, a process in the container could read it.`,
      );
    }
    for (const file of new Set(exceptions.map((e) => e.file))) {
      const values = exceptions
        .filter((e) => e.file === file)
        .map(({ value }) => ({
          value,
          why: `A ${value.startsWith('b') ? 'block' : 'character'} device, MAJOR:MINOR number, and whether it may be r(ead), w(ritten) or m(ade).`,
        }));
      writeValues(
        draft,
        setting,
        `${list}/${file}`,
        values,
        'The exceptions, one in each write: devices that do no harm, and those that were asked for.',
      );
    }
    return;
  }
  if (paths.v2 === undefined) return;
  const program = 'device program';
  const folder = 'cgroup folder';
  add(draft, {
    ...setting,
    call: bpfProgLoad(deviceProgram(rules), BPF_PROG_TYPE_CGROUP_DEVICE),
    saves: program,
    why: 'Version 2 has no list of devices. Instead it runs a small program at each open or mknod of a device, which says yes or no; this hands it to the kernel, whose verifier first proves that it ends and touches nothing else. A device file is a door to a driver of the host, whoever made the file.',
  });
  add(draft, {
    ...setting,
    call: openat(AT_FDCWD, paths.v2, O.O_RDONLY | O.O_DIRECTORY | O.O_CLOEXEC),
    saves: folder,
    minor: true,
    why: 'The program is tied to a cgroup by an open descriptor of its folder.',
  });
  add(draft, {
    ...setting,
    call: bpfProgAttach(ref(folder), ref(program), BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI),
    why: "Ties the program to the container's cgroup. Programs of folders above are asked as well, and all must say yes; it goes away with the folder.",
  });
  closeResult(draft, setting, ref(folder));
  closeResult(draft, setting, ref(program));
}
