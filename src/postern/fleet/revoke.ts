import { copyFileSync, existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { OperatorFolder } from '../../fleet/operator.ts'
import { shellWord } from '../../text/shell-word.ts'
import { NODE_FOLDER, nodesOf } from './init/etcd-files.ts'
import { clientsAuthority } from './init/folder.ts'

/** The folder with the certificates of hosts, in an operator's folder. */
export const CERTIFICATES = 'hosts'

/**
 * Revokes the certificates of a host, and writes the revocation list of the fleet's authority into the folders of the nodes.
 *
 * @param but the certificate that stays; absent: none does
 * @returns the commands that copy the list to the nodes, a line each; empty: nothing was revoked
 * @throws Failure
 */
export function revokeCertificates(
  host: string,
  { folder, settings }: Pick<OperatorFolder, 'folder' | 'settings'>,
  but?: string,
): string {
  const authority = clientsAuthority(folder)
  const certs = join(folder, CERTIFICATES)
  // A name of a host has no dot.
  const names = existsSync(certs) ? readdirSync(certs).filter((name) => name.startsWith(`${host}.`)) : []
  const old = names.map((name) => readFileSync(join(certs, name), 'utf8')).filter((cert) => cert !== but)
  if (old.length === 0 && but !== undefined) return ''
  for (const cert of old) authority.revoke(cert)
  return nodesOf(settings.endpoints)
    .map(({ name, host: node }) => {
      if (existsSync(join(folder, name))) copyFileSync(authority.crlFile, join(folder, name, 'crl.pem'))
      const to = shellWord(`root@${node.includes(':') ? `[${node}]` : node}:${NODE_FOLDER}/crl.pem`)
      return `  scp ${shellWord(authority.crlFile)} ${to}\n`
    })
    .join('')
}
