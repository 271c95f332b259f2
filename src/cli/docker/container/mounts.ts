/** -v, --mount and --tmpfs in the form of Docker's API. Pure: paths are only made absolute. */
import { parseSize } from '../../sizes.ts';
import { UsageError } from '../../usage-error.ts';
import { csv, flagOf, splitOnce } from './values.ts';

export interface Mount {
  Type: string;
  Source?: string;
  Target: string;
  ReadOnly?: boolean;
  BindOptions?: {
    Propagation?: string;
    NonRecursive?: boolean;
    CreateMountpoint?: boolean;
    ReadOnlyNonRecursive?: boolean;
    ReadOnlyForceRecursive?: boolean;
  };
  VolumeOptions?: {
    NoCopy?: boolean;
    Subpath?: string;
    Labels?: Record<string, string>;
    DriverConfig?: { Name?: string; Options?: Record<string, string> };
  };
  ImageOptions?: { Subpath?: string };
  TmpfsOptions?: { SizeBytes?: number; Mode?: number };
  Consistency?: string;
}

/**
 * `-v`: a bind (`SOURCE:TARGET[:OPTIONS]`, whose source may also be a volume's name), or the target
 * of an anonymous volume.
 * @param absolute makes a path of this machine absolute
 */
export function parseVolume(text: string, absolute: (path: string) => string): { bind: string } | { anonymous: string } {
  const parts = text.split(':');
  if (parts.length > 3)
    throw new UsageError(`-v ${text}: invalid volume specification: too many colons; use --mount for paths with a colon`);
  if (parts.some((part) => part === '')) throw new UsageError(`-v ${text}: invalid spec: ${text}: empty section between colons`);
  const [source, target, ...options] = parts as [string, ...string[]];
  if (target === undefined) return { anonymous: source };
  // A dot at the beginning is a path; every other word without a slash is a volume's name.
  const isPath = source.startsWith('.') || source.startsWith('~') || source.includes('/');
  return { bind: [isPath ? absolute(source) : source, target, ...options].join(':') };
}

const SYNONYMS: Record<string, string> = { src: 'source', dst: 'target', destination: 'target', ro: 'readonly' };
const TYPES = ['bind', 'volume', 'tmpfs', 'image', 'npipe', 'cluster'];

/** `type=bind,source=…,target=…,readonly`. @throws UsageError */
export function parseMount(text: string, absolute: (path: string) => string): Mount {
  const typed = `--mount ${text}`;
  const mount: Mount = { Type: 'volume', Target: '' };
  for (const field of csv('--mount', text)) {
    const [written, value] = splitOnce(field, '=');
    const key = SYNONYMS[written.toLowerCase()] ?? written.toLowerCase();
    if (key === 'readonly') mount.ReadOnly = flagOf(`${typed}: ${written}`, value);
    else if (key === 'volume-nocopy') mount.VolumeOptions = { ...mount.VolumeOptions, NoCopy: flagOf(`${typed}: ${written}`, value) };
    else if (key === 'bind-nonrecursive') mount.BindOptions = { ...mount.BindOptions, NonRecursive: flagOf(`${typed}: ${written}`, value) };
    else if (key === 'bind-create-src')
      mount.BindOptions = { ...mount.BindOptions, CreateMountpoint: flagOf(`${typed}: ${written}`, value) };
    else if (value === undefined) throw new UsageError(`${typed}: invalid field '${field}' must be a key=value pair`);
    else setField(mount, key, value, typed, absolute);
  }
  check(mount, typed);
  return mount;
}

function setField(mount: Mount, key: string, value: string, typed: string, absolute: (path: string) => string): void {
  const bind = (options: NonNullable<Mount['BindOptions']>) => {
    mount.BindOptions = { ...mount.BindOptions, ...options };
  };
  const volume = (): NonNullable<Mount['VolumeOptions']> => {
    mount.VolumeOptions ??= {};
    return mount.VolumeOptions;
  };
  switch (key) {
    case 'type':
      if (!TYPES.includes(value.toLowerCase())) throw new UsageError(`${typed}: type is one of bind, volume, tmpfs and image`);
      mount.Type = value.toLowerCase();
      break;
    case 'source':
      mount.Source = value.startsWith('.') ? absolute(value) : value;
      break;
    case 'target':
      mount.Target = value;
      break;
    case 'consistency':
      mount.Consistency = value;
      break;
    case 'bind-propagation':
      bind({ Propagation: value });
      break;
    case 'bind-recursive':
      if (value === 'disabled') bind({ NonRecursive: true });
      else if (value === 'writable') bind({ ReadOnlyNonRecursive: true });
      else if (value === 'readonly') bind({ ReadOnlyForceRecursive: true });
      else if (value !== 'enabled') throw new UsageError(`${typed}: bind-recursive is enabled, disabled, writable or readonly`);
      break;
    case 'volume-subpath':
      volume().Subpath = value;
      break;
    case 'volume-label': {
      const [name, text = ''] = splitOnce(value, '=');
      volume().Labels = { ...volume().Labels, [name]: text };
      break;
    }
    case 'volume-driver':
      volume().DriverConfig = { ...volume().DriverConfig, Name: value };
      break;
    case 'volume-opt': {
      const [name, text = ''] = splitOnce(value, '=');
      volume().DriverConfig = { ...volume().DriverConfig, Options: { ...volume().DriverConfig?.Options, [name]: text } };
      break;
    }
    case 'image-subpath':
      mount.ImageOptions = { Subpath: value };
      break;
    case 'tmpfs-size':
      mount.TmpfsOptions = { ...mount.TmpfsOptions, SizeBytes: parseSize('tmpfs-size', value) };
      break;
    case 'tmpfs-mode':
      if (!/^[0-7]{1,5}$/.test(value)) throw new UsageError(`${typed}: invalid value for tmpfs-mode: ${value}`);
      mount.TmpfsOptions = { ...mount.TmpfsOptions, Mode: Number.parseInt(value, 8) };
      break;
    default:
      throw new UsageError(`${typed}: unexpected key '${key}'`);
  }
}

function check(mount: Mount, typed: string): void {
  const refuse = (why: string): never => {
    throw new UsageError(`${typed}: ${why}`);
  };
  if (mount.Target === '') refuse('target is required');
  if (mount.VolumeOptions && mount.Type !== 'volume') refuse(`cannot mix 'volume-*' options with mount type '${mount.Type}'`);
  if (mount.ImageOptions && mount.Type !== 'image') refuse(`cannot mix 'image-*' options with mount type '${mount.Type}'`);
  if (mount.BindOptions && mount.Type !== 'bind') refuse(`cannot mix 'bind-*' options with mount type '${mount.Type}'`);
  if (mount.TmpfsOptions && mount.Type !== 'tmpfs') refuse(`cannot mix 'tmpfs-*' options with mount type '${mount.Type}'`);
  const { BindOptions: bind } = mount;
  if (bind?.ReadOnlyNonRecursive && !mount.ReadOnly) refuse("option 'bind-recursive=writable' requires 'readonly'");
  if (bind?.ReadOnlyForceRecursive && !mount.ReadOnly) refuse("option 'bind-recursive=readonly' requires 'readonly'");
  if (bind?.ReadOnlyForceRecursive && bind.Propagation !== 'rprivate')
    refuse("option 'bind-recursive=readonly' requires 'bind-propagation=rprivate'");
}
