import { homedir } from 'node:os'
import { join } from 'node:path'
import { formatFault } from '../../config/fault.ts'
import { ClientError } from '../fault.ts'
import { readHostConfig } from './config-file.ts'
import type { HostReading } from './config-file.ts'
import type { Way } from './host-directives.ts'
import { readSecretFile, readTrustedFile } from './secret-file.ts'

/** The folder of the client's files, as the XDG Base Directory Specification has it. */
export function clientFolder(): string {
  const base = process.env['XDG_CONFIG_HOME']
  return join(base === undefined || !base.startsWith('/') ? join(homedir(), '.config') : base, 'postern')
}

/** The client's config as far as it concerns one host, and which file that is. */
export interface HostFile extends Omit<HostReading, 'faults'> {
  readonly file: string
}

/**
 * Reads the client's config for one host: {@link readHostConfig}. Without a file of the usual name nothing is said there.
 * Throws a ClientError with every fault of the file; when a file that is named is missing; and when others may change it,
 * or read it although there are knocks in it.
 *
 * @param named a file in place of ~/.config/postern/config
 */
export function readHostFile(named: string | undefined, host: string, only?: Way): HostFile {
  const file = named ?? join(clientFolder(), 'config')
  const text = readTrustedFile(file)
  if (text === undefined && named !== undefined) throw new ClientError(`${file}: there is no such file`)
  const { faults, ...reading } = readHostConfig(text ?? '', host, only)
  if (reading.secretive) readSecretFile(file)
  if (faults.length > 0) throw new ClientError(faults.map((fault) => formatFault(file, fault)).join('\n'))
  return { ...reading, file }
}
