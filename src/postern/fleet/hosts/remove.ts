import { setTimeout as pause } from 'node:timers/promises'
import { DONE, FAILED } from '../../../cli/exit-code.ts'
import { Failure, UsageError, faultText } from '../../../cli/fault.ts'
import type { Output } from '../../../cli/output.ts'
import { Etcd } from '../../../etcd/client.ts'
import type { FleetHost } from '../../../fleet/hosts.ts'
import { Keyspace } from '../../../fleet/keyspace.ts'
import { findOperatorFolder, loadOperator, loadSigner } from '../../../fleet/operator.ts'
import type { OperatorFolder } from '../../../fleet/operator.ts'
import { Terminal } from '../../setup/terminal.ts'
import type { RemoveArguments } from '../arguments.ts'
import { HostsList } from '../hosts-list.ts'
import { clientsAuthority } from '../init/folder.ts'
import { revokeCertificates } from '../revoke.ts'
import { passphraseOf } from '../passphrase.ts'
import { fleetFailed } from '../unanswered.ts'
import { named, readBeats } from './overview.ts'

/** Milliseconds until all hosts should have the list in force, and between two looks. */
const IN_FORCE_MAX_MS = 10_000
const LOOK_MS = 200

/** Runs `postern fleet remove`, and returns the exit code. */
export async function remove(asked: RemoveArguments, output: Output): Promise<number> {
  let etcd: Etcd | undefined
  try {
    const operator = loadOperator(findOperatorFolder(asked.folder))
    const { settings, access, folder } = operator
    etcd = new Etcd(access)
    const keyspace = new Keyspace(settings.fleet)
    const list = new HostsList(etcd, keyspace, settings, folder)
    const { document } = await list.read()
    const { host } = asked
    const names = document?.hosts.map(({ name }) => name) ?? []
    if (!names.includes(host)) {
      throw new Failure(
        `${host} is not in the fleet`,
        names.length === 0 ? 'it has no hosts' : `hosts: ${named(names)}`,
      )
    }
    if (!asked.yes) await confirm(host)
    const signer = await loadSigner(operator, passphraseOf)
    // An interrupted command cannot be repeated once the list has changed: the certificate is revoked first.
    const knowledge = knowledgeText(host, operator)
    const { version } = await list.change((hosts) => hosts.filter(({ name }) => name !== host), signer)
    output.out(`${host} is not in the fleet ${settings.fleet} any more (version ${version}): its key stops working\n`)
    output.out(`\n${knowledge}\n`)
    await etcd.delete(keyspace.secondUse(host))
    const behind = await hostsBehind(
      etcd,
      keyspace,
      document!.hosts.filter(({ name }) => name !== host),
      version,
    )
    if (behind.length === 0) {
      output.out('all other hosts have the list in force\n')
      return DONE
    }
    output.err(
      faultText(
        'postern',
        `not in force yet at ${named(behind)}`,
        'they take the list when they reach etcd; until then the key works there',
      ),
    )
    return FAILED
  } catch (error) {
    return fleetFailed(error, output)
  } finally {
    etcd?.close()
  }
}

/** @throws Failure or UsageError if the person does not agree */
async function confirm(host: string): Promise<void> {
  if (!process.stdin.isTTY)
    throw new UsageError('there is no terminal to ask', 'to remove it without a question: --yes')
  const terminal = new Terminal(process.stdin, process.stderr, true)
  try {
    const answer = await terminal.ask(
      `remove ${host}? its openings on other hosts close (yes/no)`,
      'no',
      (text) => text,
    )
    if (!/^y(?:es)?$/i.test(answer)) throw new Failure('not removed')
  } finally {
    terminal.close()
  }
}

/**
 * Waits for a while, and returns the hosts whose signs of life do not have a version in force. It does not
 * wait for hosts without a sign of life: they do not run, or cannot reach etcd.
 */
export async function hostsBehind(
  etcd: Pick<Etcd, 'list'>,
  keyspace: Keyspace,
  hosts: readonly FleetHost[],
  version: number,
): Promise<readonly string[]> {
  for (let waited = 0; ; waited += LOOK_MS) {
    const beats = await readBeats(etcd, keyspace, hosts)
    const names = hosts.map(({ name }) => name)
    const behind = names.filter((name) => (beats.get(name)?.versions.hosts ?? 0) < version)
    if (!behind.some((name) => beats.has(name)) || waited >= IN_FORCE_MAX_MS) return behind
    await pause(LOOK_MS)
  }
}

/** Revokes the certificate of a host, and says what it still knows. @throws Failure */
function knowledgeText(host: string, { folder, settings }: OperatorFolder): string {
  const authority = clientsAuthority(folder)
  const knows = `${host} still knows the fleet's key, and the users of the fleet with their secrets: those open doors on all hosts. While it can
read etcd, it can also read users that you push from now on. So shut it out of etcd first, then change the secrets of
all users that the fleet has: postern fleet push
`
  if (!authority.exists) {
    return `${knows}its certificate lets it connect to etcd until it expires: revoke it with your own authority
`
  }
  const copies = revokeCertificates(host, { folder, settings })
  return `${knows}its certificate is revoked as soon as each node has the new list (no restart is needed; open connections stay until the
host is shut down, or etcd restarted, a node at a time). If a door or Guard of the nodes hides their ssh, knock first:
${copies}`
}
