import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { DONE, FAILED } from '../../../cli/exit-code.ts'
import { Failure, UsageError, failed, faultText } from '../../../cli/fault.ts'
import type { Output } from '../../../cli/output.ts'
import { remedyOf, saidIn } from '../../../etcd/advice.ts'
import { Etcd, EtcdUnavailable } from '../../../etcd/client.ts'
import { Keyspace } from '../../../fleet/keyspace.ts'
import { FLEET_CONF, loadOperator, loadSigner, operatorFolders } from '../../../fleet/operator.ts'
import { loadOperatorSettings, readEndpoint } from '../../../fleet/settings.ts'
import { readFleetName } from '../../../config/value.ts'
import { counted } from '../../../text/counted.ts'
import { valueOf } from '../../../text/read.ts'
import { shellWord } from '../../../text/shell-word.ts'
import type { InitArguments } from '../arguments.ts'
import { HostsList } from '../hosts-list.ts'
import { askPassphrase, passphraseOf } from '../passphrase.ts'
import { makeFolder } from './folder.ts'
import { NODE_FOLDER, nodesOf } from './etcd-files.ts'

/** The words of a start without etcd. No node has the files yet. */
const ALL_MADE = 'all files are made; etcd does not answer yet: once it runs, sign the first list of hosts (step 3)\n'
/** The nodes from which on the loss of one stops nothing. */
const NODES_MIN = 3

/** Runs `postern fleet init`, and returns the exit code. */
export async function init(asked: InitArguments, output: Output): Promise<number> {
  try {
    const folder = asked.folder ?? join(operatorFolders(), asked.name)
    const endpoints = endpointsOf(asked, join(folder, FLEET_CONF))
    const made = await makeFolder({
      folder,
      fleet: asked.name,
      endpoints,
      operator: asked.operator ?? ownName(),
      from: asked.from ?? [],
      own: asked['own-certificates'],
      passphrase: asked['no-passphrase'] ? () => Promise.resolve('') : newPassphrase,
    })
    if (made.length > 0) output.out(`${folder}: ${counted(made.length, 'file')} made\n`)
    for (const doubt of doubtsOf(endpoints)) output.err(`postern: ${doubt}\n`)
    const isFirst = made.some((path) => path.endsWith(FLEET_CONF))
    const again = `postern fleet init ${asked.name}${asked.folder === undefined ? '' : ` --folder ${shellWord(folder)}`}`
    if (isFirst) output.out(stepsText(folder, endpoints, asked['own-certificates'] === undefined, again))
    // No node can have a certificate of an authority that was made just now.
    if (isFirst && asked['own-certificates'] === undefined && made.includes(join(folder, 'ca.crt'))) {
      output.out(ALL_MADE)
      return DONE
    }
    return await signFirst(folder, { isFirst, again }, output)
  } catch (error) {
    return failed(error, output)
  }
}

/** Signs the first list of hosts, unless etcd has one. */
async function signFirst(
  folder: string,
  { isFirst, again }: { readonly isFirst: boolean; readonly again: string },
  { out, err }: Output,
): Promise<number> {
  const operator = loadOperator(folder)
  const { settings, access } = operator
  const etcd = new Etcd(access)
  try {
    const list = new HostsList(etcd, new Keyspace(settings.fleet), settings, folder)
    const { document, doubt } = await list.read()
    if (doubt !== undefined) err(faultText('postern', doubt, 'the next version is made from the copy in this folder'))
    if (document !== undefined) {
      out(`the fleet ${settings.fleet} has ${counted(document.hosts.length, 'host')} (version ${document.version})\n`)
    } else {
      await list.change((hosts) => hosts, await loadSigner(operator, passphraseOf))
      out(`the first list of hosts is signed, without any: let one join with\n  postern fleet invite HOST\n`)
    }
    return DONE
  } catch (error) {
    if (!(error instanceof EtcdUnavailable)) throw error
    if (isFirst) {
      out(ALL_MADE)
      return DONE
    }
    err(
      faultText(
        'postern',
        `etcd does not answer yet: ${saidIn(error)}`,
        [remedyOf(error), `when it does: ${again}`].filter((each) => each !== undefined).join('\n  '),
      ),
    )
    return FAILED
  } finally {
    etcd.close()
  }
}

/** Returns the nodes: those of the folder, or those that are given. @throws Failure or UsageError */
function endpointsOf({ name, etcd }: InitArguments, file: string): readonly string[] {
  const given = etcd?.split(',').map((text) => {
    const read = readEndpoint(text.trim())
    if ('value' in read) return read.value
    throw new UsageError(`--etcd: ${read.message}`, read.hint)
  })
  if (!existsSync(file)) {
    if (given !== undefined) return given
    throw new UsageError(
      'missing --etcd',
      'as in --etcd https://10.0.0.1:2379,https://10.0.0.2:2379,https://10.0.0.3:2379',
    )
  }
  const { fleet, endpoints } = loadOperatorSettings(file)
  if (fleet !== name) throw new Failure(`${file} is of the fleet ${fleet}`, 'name another folder: --folder DIR')
  if (given !== undefined && given.join() !== endpoints.join()) {
    throw new Failure(`${file} has other nodes: ${endpoints.join()}`, `edit it, and the settings of the nodes`)
  }
  return endpoints
}

function doubtsOf(endpoints: readonly string[]): readonly string[] {
  const { length } = endpoints
  if (length < NODES_MIN) return [`${counted(length, 'node')}: with fewer than three, the loss of one stops all knocks`]
  if (length % 2 === 0) return [`${length} nodes tolerate only as many losses as ${length - 1}`]
  return []
}

/** The name of this user, if it can be one of an operator. */
function ownName(): string {
  return valueOf(readFleetName(userInfo().username)) ?? 'operator'
}

async function newPassphrase(): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new UsageError('there is no terminal to ask for a passphrase', 'to have none: --no-passphrase')
  }
  const first = await askPassphrase("passphrase for the operator's key (empty: none)")
  if (first === '' || first === (await askPassphrase('once more'))) return first
  throw new Failure('the passphrases differ', 'run this again')
}

function stepsText(folder: string, endpoints: readonly string[], hasCertificates: boolean, again: string): string {
  const nodes = nodesOf(endpoints)
  const starts = nodes.map(({ name, host }) => {
    const copy = shellWord(`root@${host.includes(':') ? `[${host}]` : host}:`)
    const install = `ssh ${shellWord(`root@${host}`)} 'apt-get install -y etcd-server && sh ${name}/install.sh'`
    return `     scp -pr ${shellWord(join(folder, name))} ${copy} &&\n       ${install}\n`
  })
  const filters = nodes.map(({ host }) => `     ssh ${shellWord(`root@${host}`)} nft -f ${NODE_FOLDER}/etcd.nft\n`)
  const first = hasCertificates
    ? ''
    : '   first put your certificates into each of these folders: ca.crt, server.crt and server.key (serverAuth and\n' +
      '   clientAuth), peer-ca.crt, peer.crt and peer.key\n'
  return `
next steps:
1. start etcd on each node; its folder has the settings, with reasons:
${first}${starts.join('')}2. restrict who can reach its ports; etcd.nft has the lines, and the one that loads them at boot:
${filters.join('')}3. sign the first list of hosts:
     ${again}
4. let a host join:
     postern fleet invite HOST

Keep one way in that does not need the fleet (a door with Scope = host, or Always_Allow), as the fleet also guards the way
to its own nodes. Keep a copy of ${folder} in a safe place: nobody else can sign.

`
}
