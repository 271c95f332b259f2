/**
 * The messages that criu understands on the socket of `criu swrk`: one request, then, with
 * `notify_scripts`, a notification at each stage that must be answered, and the response.
 * Source: criu, images/rpc.proto, and criu.org/RPC. Names and numbers are the protocol's.
 */
import { decode, encode, type Fields, type Message } from './protobuf.ts';

export const REQUEST = { DUMP: 1, RESTORE: 2, PRE_DUMP: 4, NOTIFY: 6, FEATURE_CHECK: 9, VERSION: 10 } as const;
export type RequestType = keyof typeof REQUEST;

/** criu_cg_mode: what criu does with cgroups. */
export const CGROUP_MODE: Record<string, number> = { ignore: 0, soft: 3, full: 4, strict: 5 };

const OPTIONS = {
  images_dir_fd: { number: 1, type: 'int' },
  pid: { number: 2, type: 'int' },
  leave_running: { number: 3, type: 'bool' },
  ext_unix_sk: { number: 4, type: 'bool' },
  tcp_established: { number: 5, type: 'bool' },
  evasive_devices: { number: 6, type: 'bool' },
  shell_job: { number: 7, type: 'bool' },
  file_locks: { number: 8, type: 'bool' },
  log_level: { number: 9, type: 'int' },
  log_file: { number: 10, type: 'text' },
  ps: { number: 11, type: { address: { number: 1, type: 'text' }, port: { number: 2, type: 'int' } } },
  notify_scripts: { number: 12, type: 'bool' },
  root: { number: 13, type: 'text' },
  parent_img: { number: 14, type: 'text' },
  track_mem: { number: 15, type: 'bool' },
  auto_dedup: { number: 16, type: 'bool' },
  work_dir_fd: { number: 17, type: 'int' },
  manage_cgroups: { number: 24, type: 'bool' },
  cg_root: { number: 25, type: { ctrl: { number: 1, type: 'text' }, path: { number: 2, type: 'text' } }, many: true },
  rst_sibling: { number: 26, type: 'bool' },
  inherit_fd: { number: 27, type: { key: { number: 1, type: 'text' }, fd: { number: 2, type: 'int' } }, many: true },
  manage_cgroups_mode: { number: 34, type: 'int' },
  external: { number: 37, type: 'text', many: true },
  empty_ns: { number: 38, type: 'int' },
  join_ns: { number: 39, type: { ns: { number: 1, type: 'text' }, ns_file: { number: 2, type: 'text' } }, many: true },
  freeze_cgroup: { number: 44, type: 'text' },
  tcp_skip_in_flight: { number: 46, type: 'bool' },
  lazy_pages: { number: 48, type: 'bool' },
  orphan_pts_master: { number: 50, type: 'bool' },
  config_file: { number: 51, type: 'text' },
  lsm_profile: { number: 53, type: 'text' },
  lsm_mount_context: { number: 63, type: 'text' },
} as const satisfies Fields;

const FEATURES = { mem_track: { number: 1, type: 'bool' }, lazy_pages: { number: 2, type: 'bool' } } as const satisfies Fields;

const REQUEST_FIELDS = {
  type: { number: 1, type: 'int' },
  opts: { number: 2, type: OPTIONS },
  notify_success: { number: 3, type: 'bool' },
  features: { number: 5, type: FEATURES },
} as const satisfies Fields;

const RESPONSE_FIELDS = {
  type: { number: 1, type: 'int' },
  success: { number: 2, type: 'bool' },
  restore: { number: 4, type: { pid: { number: 1, type: 'int' } } },
  notify: { number: 5, type: { script: { number: 1, type: 'text' }, pid: { number: 2, type: 'int' } } },
  cr_errno: { number: 7, type: 'int' },
  features: { number: 8, type: FEATURES },
  cr_errmsg: { number: 9, type: 'text' },
  version: {
    number: 10,
    type: { major_number: { number: 1, type: 'int' }, minor_number: { number: 2, type: 'int' }, sublevel: { number: 4, type: 'int' } },
  },
} as const satisfies Fields;

export type CriuOptions = Message<typeof OPTIONS>;
export type CriuFeatures = Message<typeof FEATURES>;
export type CriuResponse = Message<typeof RESPONSE_FIELDS>;

export interface CriuRequest {
  type: RequestType;
  opts?: CriuOptions;
  features?: CriuFeatures;
  notify_success?: boolean;
}

export const encodeRequest = (request: CriuRequest): Buffer => encode(REQUEST_FIELDS, { ...request, type: REQUEST[request.type] });
/** @throws Error when the bytes are no message */
export const decodeResponse = (bytes: Uint8Array): CriuResponse => decode(RESPONSE_FIELDS, bytes);
