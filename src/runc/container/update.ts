/** New limits for a running container: performed, then written down. */
import { planUpdate } from '../cgroup/update.ts';
import { performLocally } from '../engine/locally.ts';
import type { Observer } from '../engine/observer.ts';
import type { Resources } from '../spec/config.ts';
import { type ContainerView, loadConfig, saveChangedConfig } from './state.ts';

/** @throws Error when it cannot be done; StepError when the kernel refuses a value */
export function updateContainer(
  view: ContainerView,
  change: Resources,
  options: { warn: (sentence: string) => void; observer?: Observer },
): void {
  const config = loadConfig(view);
  const { program, resources } = planUpdate({ config, paths: view.state.cgroups }, change);
  for (const warning of program.warnings) options.warn(warning);
  performLocally(program, options.observer);
  saveChangedConfig(view, { ...config, linux: { ...config.linux, resources } });
}
