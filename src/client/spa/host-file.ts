import { join } from 'node:path'
import { formatFault } from '../../text/fault.ts'
import { ClientError } from '../fault.ts'
import { configFolder } from '../places.ts'
import { readHostConfig } from './config-file.ts'
import type { HostReading } from './config-file.ts'
import type { Way } from './host-directives.ts'
import { readSecretFile, readTrustedFile } from './secret-file.ts'

/** The client's config for one host, and its file. */
export interface HostFile extends Omit<HostReading, 'faults'> {
  readonly file: string
}

/**
 * Reads the client's config for one host with {@link readHostConfig}. The default file may be missing.
 *
 * @param named a file instead of ~/.config/postern/config
 * @throws ClientError with every fault of the file; if a named file is missing; or if others can change it, or can read
 * knocks in it
 */
export function readHostFile(named: string | undefined, host: string, only?: Way): HostFile {
  const file = named ?? join(configFolder(), 'config')
  const text = readTrustedFile(file)
  if (text === undefined && named !== undefined) throw new ClientError(`${file}: there is no such file`)
  const { faults, ...reading } = readHostConfig(text ?? '', host, only)
  if (reading.secretive) readSecretFile(file)
  if (faults.length > 0) throw new ClientError(faults.map((fault) => formatFault(file, fault)).join('\n'))
  return { ...reading, file }
}
