import type { Config } from '../../../config/config.ts'
import { explained } from '../../../etcd/advice.ts'
import { Etcd, EtcdUnavailable } from '../../../etcd/client.ts'
import { FileError } from '../../../file/file-error.ts'
import { Keyspace } from '../../../fleet/keyspace.ts'
import { loadFleet } from '../../../fleet/settings.ts'
import type { FleetKeys } from '../../../fleet/settings.ts'
import { localAddresses } from '../../../host/local-addresses.ts'
import { REMEDIES } from '../../../remedy/remedies.ts'
import { joinLines } from '../../../text/joined-lines.ts'
import { askNodes } from '../../fleet/hosts/nodes.ts'
import { readOverview } from '../../fleet/hosts/overview.ts'
import type { Finding } from '../finding.ts'
import { judgeCertificate } from './certificate.ts'
import { FOREIGN, judgeForeign } from './foreign.ts'
import { judgeNodes } from './nodes.ts'
import { judgeOwnStore } from './own-store.ts'

/** Finds problems of this host's place in a fleet, and of the fleet's etcd. */
export async function examineFleet(config: Config): Promise<readonly Finding[]> {
  const { fleet } = config.options
  if (fleet === undefined) return []
  let keys: FleetKeys
  try {
    keys = loadFleet(fleet)
  } catch (error) {
    const { message, cause } = error as Error
    const told = `${joinLines(message)}; doors with Scope = fleet stay shut until knockd is restarted`
    const isMissing = [error, cause].some((each) => each instanceof FileError && each.reason === 'missing')
    const fix = isMissing ? REMEDIES.readOfJoin() : REMEDIES.edit(fleet, 1)
    return [{ severity: 'fault', subject: 'fleet', message: told, fix }]
  }
  const { access, settings } = keys
  const here = [
    ...judgeCertificate(access, settings, Date.now()),
    ...judgeOwnStore(config, settings.endpoints, localAddresses()),
  ]
  const etcd = new Etcd(access)
  try {
    const nodes = await askNodes(etcd, access)
    const found = [...here, ...judgeNodes(nodes, access.login !== undefined)]
    // Without an answer, the other questions have none either.
    if (nodes.members === undefined) return found
    return [...found, ...(await ofKeys(etcd, keys))]
  } finally {
    etcd.close()
  }
}

/** Returns the first key of those that begin with a slash, and one below each prefix that other programs use. @throws EtcdUnavailable */
async function foreignIn(etcd: Etcd): Promise<readonly (string | undefined)[]> {
  const steps = ['/', ...FOREIGN.map(({ prefix }) => prefix)].map((prefix) => ({ getPrefix: prefix, limit: 1 }))
  const { kvs } = await etcd.txn([], steps)
  return kvs.map(([first]) => first?.key)
}

/** Finds out whose keys are in etcd, whether this host is known, and how its clock is. */
async function ofKeys(etcd: Etcd, { settings }: FleetKeys): Promise<readonly Finding[]> {
  const { host, fleet, file } = settings
  try {
    const foreign = judgeForeign(await foreignIn(etcd))
    const overview = await readOverview(etcd, {
      folder: '',
      settings,
      access: { endpoints: [], ca: '', cert: '', key: '' },
      host,
    })
    const row = overview.hosts.find(({ name }) => name === host)
    if (row === undefined) {
      const message = `the operators of ${new Keyspace(fleet).fleet} do not know ${host} (${file}): what it signs does not count; an operator invites it again`
      return [...foreign, finding('fault', message)]
    }
    const own = row.problems.map((problem) => `${host}: ${problem}`)
    const seen = [...own, ...overview.notes].map((problem) => finding('warning', problem))
    return [...foreign, ...seen]
  } catch (error) {
    return [finding('fault', error instanceof EtcdUnavailable ? explained(error) : joinLines((error as Error).message))]
  }
}

function finding(severity: 'fault' | 'warning', message: string): Finding {
  return { severity, subject: 'fleet', message, fix: REMEDIES.lookAtFleet() }
}
