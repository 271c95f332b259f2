/** A container's other name. */
import type { Daemon } from '../daemon.ts';
import { badRequest } from '../http/api-error.ts';
import type { Container } from './containers.ts';
import { checkName } from './open.ts';

export const rename = ({ containers }: Daemon, container: Container, name: string): Promise<void> =>
  container.locked(async () => {
    const { record } = container;
    if (name === '') throw badRequest('Neither old nor new names may be empty');
    const wanted = checkName(name);
    const old = record.Name;
    if (wanted === old) throw badRequest('Renaming a container with the same name as its current name');
    containers.take(wanted, container.id);
    record.Name = wanted;
    try {
      container.save();
    } catch (error) {
      record.Name = old;
      containers.release(wanted);
      throw error;
    }
    containers.release(old);
    container.tell('rename', { oldName: `/${old}` });
  });
