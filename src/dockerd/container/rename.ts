/** A container's other name. */
import type { Daemon } from '../daemon.ts';
import { ApiError, asApiError, badRequest, notFound } from '../http/api-error.ts';
import type { Container } from './containers.ts';
import { checkName } from './open.ts';

export const rename = ({ containers }: Daemon, container: Container, name: string): Promise<void> =>
  container.locked(async () => {
    const { record } = container;
    if (!containers.find(container.id)) throw notFound(`No such container: ${container.id}`);
    if (name === '') throw badRequest('Neither old nor new names may be empty');
    const old = record.Name;
    const wanted = name.replace(/^\//, '');
    if (wanted === old) throw badRequest('Renaming a container with the same name as its current name');
    try {
      containers.take(checkName(`/${wanted}`), container.id);
    } catch (error) {
      const { status, message } = asApiError(error);
      throw new ApiError(status, `Error when allocating new name: ${message}`, { cause: error });
    }
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
