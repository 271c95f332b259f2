/** `-v` and `-info`: what this runtime is. */
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { RuntimeInfoSchema } from '../proto/containerd/types/introspection_pb.ts';
import { packageRoot } from '../runc/engine/installed.ts';
import { kernelVersion } from '../runc/host/probe.ts';
import { features } from '../runc/spec/features.ts';

export const NAME = 'io.containerd.minirun.v1';
/** containerd's name for the type of OCI's features.json. */
const FEATURES = 'types.containerd.io/opencontainers/runtime-spec/1/features/Features';

export const version = (): string => (JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version;

export const versionText = (): string =>
  `containerd-shim-minirun-v1:\n  Version:  ${version()}\n  Revision: v${version()}\n  Node version: ${process.version}\n`;

/** containerd.types.RuntimeInfo, encoded (containerd 1.7 and later ask for it). */
export const runtimeInfo = (): Uint8Array =>
  toBinary(
    RuntimeInfoSchema,
    create(RuntimeInfoSchema, {
      name: NAME,
      version: { version: version(), revision: `v${version()}` },
      features: create(AnySchema, {
        typeUrl: FEATURES,
        value: Buffer.from(JSON.stringify(features({ kernel: kernelVersion(release()) }))),
      }),
    }),
  );
