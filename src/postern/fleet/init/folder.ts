import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../../../cli/fault.ts'
import { cannot } from '../../../file/file-error.ts'
import { publicKeyText } from '../../../fleet/hosts.ts'
import { FLEET_CONF } from '../../../fleet/operator.ts'
import { FLEET_KEY_BYTES, loadFleetKey, loadOperatorSettings } from '../../../fleet/settings.ts'
import type { Network } from '../../../packet/network.ts'
import { Authority, PUBLIC_PEM, createWhole, newKey } from '../authority.ts'
import { openssl } from '../openssl.ts'
import { environmentOf, firewallOf, installOf, nodesOf, sanOf } from './etcd-files.ts'

const FOLDER_MODE = 0o700
const SIGN_KEY = 'sign.key'
const PUBLIC_HALF = 'public key: '
/** scrypt's parameters for the operator's key: 16 MiB and 80 ms (openssl-pkcs8(1), RFC 7914). */
const SCRYPT = ['-scrypt', '-scrypt_N', '16384', '-scrypt_r', '8', '-scrypt_p', '5']

/** The wishes for an operator's folder. */
export interface FolderPlan {
  readonly folder: string
  readonly fleet: string
  readonly endpoints: readonly string[]
  readonly operator: string
  readonly from: readonly Network[]
  readonly own: { readonly ca: string; readonly cert: string; readonly key: string } | undefined
  /** Asks for the passphrase of a new key; empty: it is not encrypted. */
  readonly passphrase: () => Promise<string>
}

/** The folders of the two authorities in an operator's folder. */
export function clientsAuthority(folder: string): Authority {
  return new Authority(join(folder, 'clients'))
}
function peersAuthority(folder: string): Authority {
  return new Authority(join(folder, 'peers'))
}

/**
 * Makes what is missing in an operator's folder, and overwrites nothing. The settings come last: a folder without them is
 * incomplete.
 *
 * @returns the paths of what was made
 * @throws Failure, or FleetSettingsError if the key of a fleet that was made is missing
 */
export async function makeFolder(plan: FolderPlan): Promise<readonly string[]> {
  const { folder, fleet, own } = plan
  const made: string[] = []
  const put: Put = (name, text) => {
    const path = join(folder, name)
    if (existsSync(path)) return
    createWhole(path, text)
    made.push(path)
  }
  makePrivate(folder)
  const isMade = existsSync(join(folder, FLEET_CONF))
  if (!existsSync(join(folder, SIGN_KEY))) put(SIGN_KEY, await newSignKey(folder, plan.passphrase))
  // Hosts have the key of a fleet that was made: another one would hide all users from them.
  if (isMade) loadFleetKey(loadOperatorSettings(join(folder, FLEET_CONF)))
  else put('fleet.key', `${randomBytes(FLEET_KEY_BYTES).toString('base64')}\n`)
  makeNodes(plan, put)
  if (own === undefined) {
    if (!isMade || clientsAuthority(folder).exists) makeCertificates(plan, put)
  } else {
    put('ca.crt', read(own.ca))
    put('operator.crt', read(own.cert))
    put('operator.key', read(own.key))
  }
  const operator = `Operator = ${plan.operator} ${publicHalf(join(folder, SIGN_KEY))}`
  put(FLEET_CONF, settingsText(fleet, plan.endpoints, operator))
  return made
}

/** Writes a file of the folder, unless it is there. */
type Put = (name: string, text: string) => void

/** The text of an operator's fleet.conf. */
function settingsText(fleet: string, endpoints: readonly string[], operator: string): string {
  return `# An operator's place in the fleet ${fleet}: fleet.conf(5). Hosts that join get the operators and the nodes from here.
Fleet = ${fleet}
${endpoints.map((endpoint) => `Etcd = ${endpoint}`).join('\n')}
${operator}
Cert_File = operator.crt
Key_File = operator.key
`
}

/** Returns a new Ed25519 key in PEM. The line before it has the public half, which an encrypted key does not show. */
async function newSignKey(folder: string, passphrase: () => Promise<string>): Promise<string> {
  const secret = await passphrase()
  const { privateKey } = generateKeyPairSync('ed25519')
  const plain = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  return `${PUBLIC_HALF}${publicKeyText(privateKey)}\n${secret === '' ? plain : encrypted(folder, plain, secret)}`
}

/** @throws Failure */
function publicHalf(path: string): string {
  const line = read(path)
    .split('\n')
    .find((each) => each.startsWith(PUBLIC_HALF))
  if (line !== undefined) return line.slice(PUBLIC_HALF.length)
  throw new Failure(`${path} does not begin with its public half`, `add the line: ${PUBLIC_HALF}KEY`)
}

/** Encrypts a key with scrypt, as Node.js alone would use 2,048 rounds of PBKDF2. */
function encrypted(folder: string, plain: string, passphrase: string): string {
  const name = 'POSTERN_PASSPHRASE'
  process.env[name] = passphrase
  try {
    return openssl(folder, ['pkcs8', '-topk8', '-v2', 'aes-256-cbc', ...SCRYPT, '-passout', `env:${name}`], {
      input: plain,
    })
  } finally {
    delete process.env[name]
  }
}

/** Writes the settings of each node. */
function makeNodes({ folder, fleet, endpoints, from, own }: FolderPlan, put: Put): void {
  const nodes = nodesOf(endpoints)
  for (const node of nodes) {
    makePrivate(join(folder, node.name))
    put(`${node.name}/etcd.env`, environmentOf(fleet, node, nodes, own === undefined))
    put(`${node.name}/etcd.nft`, firewallOf(node, nodes, from))
    put(`${node.name}/install.sh`, installOf(fleet))
  }
}

function makeCertificates({ folder, fleet, endpoints }: FolderPlan, put: Put): void {
  const [clients, peers] = [clientsAuthority(folder), peersAuthority(folder)]
  clients.make(`postern fleet ${fleet}`)
  peers.make(`postern fleet ${fleet} etcd`)
  put('ca.crt', clients.cert)
  const issue = (authority: Authority, name: string, profile: 'node' | 'client', san: string): void => {
    if (existsSync(join(folder, `${name}.crt`))) return
    const keyFile = join(folder, `${name}.key`)
    put(`${name}.key`, newKey())
    put(`${name}.crt`, authority.sign(profile, san, createPublicKey(read(keyFile)).export(PUBLIC_PEM).toString()))
  }
  issue(clients, 'operator', 'client', 'DNS:operator')
  for (const node of nodesOf(endpoints)) {
    put(`${node.name}/ca.crt`, clients.cert)
    put(`${node.name}/peer-ca.crt`, peers.cert)
    put(`${node.name}/crl.pem`, readFileSync(clients.crlFile, 'utf8'))
    issue(clients, `${node.name}/server`, 'node', sanOf(node))
    issue(peers, `${node.name}/peer`, 'node', sanOf(node))
  }
}

function makePrivate(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: FOLDER_MODE })
    readdirSync(folder)
  } catch (error) {
    throw new Failure(cannot(`create the folder ${folder}`, error).message)
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Failure(cannot(`read ${path}`, error).message)
  }
}
