import { Failure } from '../../../cli/fault.ts'
import { DONE, NOT_IN_FORCE, UNCHANGED } from '../../../cli/exit-code.ts'
import type { Output } from '../../../cli/output.ts'
import { Etcd, EtcdUnavailable } from '../../../etcd/client.ts'
import type { EtcdAccess } from '../../../etcd/access.ts'
import { FileError } from '../../../file/file-error.ts'
import { Keyspace } from '../../../fleet/keyspace.ts'
import { findOperatorFolder, loadOperator, loadSigner, operatorFleetKey } from '../../../fleet/operator.ts'
import type { OperatorFolder } from '../../../fleet/operator.ts'
import { FleetSettingsError } from '../../../fleet/settings.ts'
import { differenceLines, differencesOf } from '../../../fleet/users/difference.ts'
import type { FileDifference } from '../../../fleet/users/difference.ts'
import { KnownFiles } from '../../../fleet/users/known-files.ts'
import { PartSeal } from '../../../fleet/users/sealed-part.ts'
import { formatFault } from '../../../text/fault.ts'
import { Terminal } from '../../setup/terminal.ts'
import { passphraseOf } from '../passphrase.ts'
import { keepUsersVersion, keptUsersVersion } from '../users-version.ts'
import { unanswered } from '../unanswered.ts'
import type { PushArguments } from './arguments.ts'
import { TAKEN_WITHIN_MS, highestVersion, hostsInFleet, hostsUsers, waitForHosts } from './hosts-taken.ts'
import type { Taken } from './hosts-taken.ts'
import { nameOnHosts, readUsersFolder } from './users-folder.ts'
import { putUsers, readUsersInEtcd } from './users-in-etcd.ts'
import type { PushDeps, PushEtcd, UsersInEtcd } from './users-in-etcd.ts'

/** The functions and values that the command needs from its surroundings. */
export interface PushSurroundings {
  readonly connect: (access: EtcdAccess) => PushEtcd & { close(): void }
  /** Asks whether to go on. @throws Failure if there is nobody to ask */
  readonly confirm: () => Promise<boolean>
  readonly passphrase: (path: string) => Promise<string>
  /** Milliseconds of a clock that never goes back; default: that of the process. */
  readonly steady?: () => number
}

const SURROUNDINGS: PushSurroundings = {
  connect: (access) => new Etcd(access),
  confirm: confirmAtTerminal,
  passphrase: passphraseOf,
}

/** Runs `postern fleet push`, and returns the exit code. @throws Failure */
export async function push(
  asked: PushArguments,
  output: Output,
  surroundings: PushSurroundings = SURROUNDINGS,
): Promise<number> {
  try {
    return await pushUsers(asked, output, surroundings)
  } catch (error) {
    if (error instanceof FileError) throw new Failure(`${error.path}: ${error.fault}`, error.hint, error)
    if (error instanceof EtcdUnavailable) throw unanswered(error, 'fleet unavailable: ')
    if (error instanceof FleetSettingsError) throw new Failure(error.message, undefined, error)
    throw error
  }
}

async function pushUsers(asked: PushArguments, output: Output, surroundings: PushSurroundings): Promise<number> {
  const operator = loadOperator(findOperatorFolder(asked.folder))
  const { settings, access } = operator
  const known = await readFaultless(asked.users, output)
  const keyspace = new Keyspace(settings.fleet)
  const etcd = surroundings.connect(access)
  const deps: PushDeps = {
    etcd,
    keyspace,
    seal: new PartSeal(operatorFleetKey(operator), settings.fleet),
    keyOf: (name) => settings.operators.find((each) => each.name === name)?.key,
    steady: surroundings.steady ?? (() => performance.now()),
  }
  try {
    const before = await readUsersInEtcd(deps)
    const there = before.document?.version ?? 0
    const kept = keptUsersVersion(operator.folder)
    if (there < kept) {
      const hint = 'somebody put older ones there, or removed them; all hosts take the new version'
      output.err(
        `postern: the users in etcd have version ${there || 'none'}, but there was a version ${kept}\n  ${hint}\n`,
      )
    }
    await keepUsersVersion(operator.folder, there)
    const version = 1 + Math.max(there, kept, highestVersion(await hostsUsers(deps, await hostsInFleet(deps))))
    if (before.trouble !== undefined) {
      output.err(`postern: the users in etcd are unusable: ${before.trouble}\n  all of them are put anew\n`)
    }
    const differences = differencesOf(new KnownFiles(before.files, nameOnHosts), known)
    const isSame = differences.length === 0 && before.document !== undefined && before.trouble === undefined
    output.out(`${lines(before, version, differences).join('\n')}\n`)
    if (isSame) return UNCHANGED
    if (asked['dry-run']) return DONE
    if (!asked.yes && !(await surroundings.confirm())) throw new Failure('nothing has changed')
    const signer = await loadSigner(withKey(operator, asked.key), surroundings.passphrase)
    if (!(await putUsers(known.files, { version, signer, before }, deps))) {
      throw await overtaken(before, deps)
    }
    await keepUsersVersion(operator.folder, version)
    output.out(`version ${version} is in etcd, signed by ${signer.name}\n`)
    return told(await waitForHosts(version, deps), output)
  } finally {
    etcd.close()
  }
}

/** Reads the files, and prints their faults. @throws Failure if a fault is an error */
async function readFaultless(folder: string, output: Output): Promise<KnownFiles> {
  const { known, faults } = await readUsersFolder(folder)
  for (const fault of faults) {
    output.err(`${formatFault(folder, { ...fault, file: `${folder.replace(/\/+$/, '')}/${fault.file ?? ''}` })}\n`)
  }
  const errors = faults.filter(({ severity }) => severity === 'error').length
  if (errors > 0) throw new Failure(`${folder}: the files have errors: nothing has changed`)
  return known
}

function lines(before: UsersInEtcd, version: number, differences: readonly FileDifference[]): readonly string[] {
  const { document, by } = before
  const present = document === undefined ? 'there are no users yet' : `present: version ${document.version}, by ${by}`
  if (differences.length === 0) return [`${present}; nothing has changed`]
  const isRevoking = differences.some(({ removed, more }) => removed.length > 0 || more.removed > 0)
  const effect = 'who is removed loses access, and what is open, on every host'
  return [`${present}; new: version ${version}`, ...differenceLines(differences), ...(isRevoking ? [effect] : [])]
}

/** Returns the settings of the operator with another key. */
function withKey({ settings }: OperatorFolder, key: string | undefined): Pick<OperatorFolder, 'settings'> {
  if (key === undefined) return { settings }
  return { settings: { ...settings, paths: { ...settings.paths, signKeyFile: key } } }
}

/** Returns the failure of a push that came too late, with what the other one changed. */
async function overtaken(before: UsersInEtcd, deps: PushDeps): Promise<Failure> {
  const now = await readUsersInEtcd(deps)
  const [old, fresh] = [before, now].map(({ files }) => new KnownFiles(files, nameOnHosts)) as [KnownFiles, KnownFiles]
  const who = now.by === undefined ? 'somebody' : `${now.by} (version ${now.document?.version})`
  const changed = differenceLines(differencesOf(old, fresh)).map((line) => `\n  ${line}`)
  return new Failure(`${who} has pushed meanwhile: nothing of yours was put${changed.join('')}`, 'push again')
}

/** Prints which hosts have the version in force, and returns the exit code. */
function told(taken: Taken | undefined, output: Output): number {
  if (taken === undefined) {
    output.out('no host is running yet: each takes it when it starts\n')
    return DONE
  }
  const { inForce, refused, behind } = taken
  if (inForce.length > 0) output.out(`in force on ${inForce.join(', ')}\n`)
  for (const { host, refused: reason } of refused) output.err(`postern: ${host} refuses it: ${reason}\n`)
  if (behind.length > 0) {
    const hint = 'they take it as soon as they can; postern fleet status shows who is behind'
    output.err(`postern: not in force after ${TAKEN_WITHIN_MS / 1000} s: ${behind.join(', ')}\n  ${hint}\n`)
  }
  return refused.length + behind.length === 0 ? DONE : NOT_IN_FORCE
}

async function confirmAtTerminal(): Promise<boolean> {
  if (!process.stdin.isTTY) throw new Failure('there is nobody to ask: nothing has changed', 'add --yes')
  const terminal = new Terminal(process.stdin, process.stderr, true)
  try {
    return await terminal.ask('put it in force', 'no', (text) => /^y(?:es)?$/i.test(text))
  } finally {
    terminal.close()
  }
}
