import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Family } from '../../packet/address.ts'
import type { Dialect } from '../../firewall/kernel-only/dialect.ts'

/** The files from which machines load nftables rules when they start: Debian and Arch; Red Hat; Alpine. */
export const NFT_FILES = ['/etc/nftables.conf', '/etc/sysconfig/nftables.conf', '/etc/nftables.nft']
/** The folder for Postern's file on machines whose own file includes no folder. */
const NFT_OWN_FOLDER = '/etc'
/** The files of iptables' rules: Arch; iptables-persistent of Debian; Red Hat. A place counts if `known` exists. */
const IPTABLES_PLACES = [
  { known: '/etc/iptables/iptables.rules', 4: '/etc/iptables/iptables.rules', 6: '/etc/iptables/ip6tables.rules' },
  { known: '/usr/share/netfilter-persistent', 4: '/etc/iptables/rules.v4', 6: '/etc/iptables/rules.v6' },
  { known: '/etc/iptables/rules.v4', 4: '/etc/iptables/rules.v4', 6: '/etc/iptables/rules.v6' },
  { known: '/etc/sysconfig/iptables', 4: '/etc/sysconfig/iptables', 6: '/etc/sysconfig/ip6tables' },
] as const
/** The largest file of rules that is read, in bytes. */
export const RULES_MAX_BYTES = 16 * 1_048_576

/** A ruleset, with its language and address family. */
export interface Ruleset {
  readonly dialect: Dialect
  /** The address family; `undefined`: both. */
  readonly family: Family | undefined
  /** The name of its file without extension, where the place itself does not set one. */
  readonly name: 'postern-kernel' | 'postern-base'
  readonly text: string
}

/** A file to write. */
export interface Placed {
  readonly path: string
  readonly text: string
  /** The present content of the file; `undefined` if it does not exist. */
  readonly before: string | undefined
  /** True for the machine's own file, to which a line is added. */
  readonly adds: boolean
}

/** The files for rulesets, or the reason why they cannot be determined. */
export type Places =
  { readonly files: readonly Placed[]; readonly unit: string } | { readonly unclear: string; readonly hint: string }

/**
 * Determines the files from which this machine loads rules when it starts. Changes nothing.
 *
 * @throws the system's error if a file there cannot be read, or an error if it is too large
 */
export function placesFor(rulesets: readonly Ruleset[], root: string): Places {
  const [first] = rulesets
  return first?.dialect === 'nft' ? nftPlaces(first, root) : iptablesPlaces(rulesets, root)
}

function nftPlaces({ text, name }: Ruleset, root: string): Places {
  const found = NFT_FILES.filter((path) => existsSync(join(root, path)))
  const [main] = found
  if (main === undefined) {
    return {
      unclear: `these files are missing: ${NFT_FILES.join(', ')}`,
      hint: 'install nftables, or write the rules to a file and have it loaded by `nft -f` when the machine starts',
    }
  }
  if (found.length > 1) {
    return { unclear: `${found.join(' and ')} both exist`, hint: 'remove the one that is not loaded' }
  }
  const before = readRules(main, root)
  const folder = includedFolder(before, root)
  if (folder !== undefined) return { files: [placed(join(folder, `${name}.nft`), text, root)], unit: 'nftables' }
  const path = join(NFT_OWN_FOLDER, `${name}.nft`)
  const own = placed(path, text, root)
  const line = `include "${path}"`
  if (before.split('\n').some((one) => one.trim() === line)) return { files: [own], unit: 'nftables' }
  const added = `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}\n${line}\n`
  // Postern's file is written first: the machine's file must never include a missing one.
  return { files: [own, { path: main, text: added, before, adds: true }], unit: 'nftables' }
}

/** A file of Postern's that a machine loads when it starts. It may not exist. */
export interface BootFile {
  readonly path: string
  readonly dialect: Dialect
  /** The address family; `undefined`: both. */
  readonly family: Family | undefined
  /** The machine's own file with a line that includes this one; `undefined` if there is no such line. */
  readonly main: string | undefined
}

/**
 * Returns the files where a ruleset of this name would be loaded when the machine starts.
 *
 * @param read returns the content of a file; `undefined` if it cannot be read
 */
export function bootFiles(
  name: Ruleset['name'],
  root: string,
  read: (path: string) => string | undefined,
): readonly BootFile[] {
  const own = join(NFT_OWN_FOLDER, `${name}.nft`)
  const include = `include "${own}"`
  const nft = NFT_FILES.flatMap((main) => {
    const text = read(main) ?? ''
    const folder = includedFolder(text, root)
    const isIncluded = text.split('\n').some((line) => [include, `${include};`, `${include} ;`].includes(line.trim()))
    const files: BootFile[] = []
    const both = { dialect: 'nft', family: undefined } as const
    if (folder !== undefined) files.push({ ...both, path: join(folder, `${name}.nft`), main: undefined })
    if (isIncluded) files.push({ ...both, path: own, main })
    return files
  })
  const iptables = IPTABLES_PLACES.filter(({ known }) => existsSync(join(root, known))).flatMap((place) =>
    ([4, 6] as const).map((family) => ({ path: place[family], dialect: 'iptables' as const, family, main: undefined })),
  )
  const files = [...nft, ...iptables]
  return files.filter(({ path }, index) => files.findIndex((other) => other.path === path) === index)
}

/** Returns a folder whose `*.nft` files the machine's file includes. */
export function includedFolder(text: string, root: string): string | undefined {
  for (const line of text.split('\n')) {
    const folder = /^\s*include\s+"(\/[^"*?]*)\/\*\.nft"\s*;?\s*$/.exec(line)?.[1]
    if (folder !== undefined && existsSync(join(root, folder))) return folder
  }
  return undefined
}

function iptablesPlaces(rulesets: readonly Ruleset[], root: string): Places {
  const found = IPTABLES_PLACES.filter(({ known }) => existsSync(join(root, known)))
  const files = [...new Set(found.map((place) => place[4]))]
  const [place] = found
  if (place === undefined) {
    return {
      unclear: 'nothing on this machine loads iptables rules when it starts',
      hint: 'on Debian and Ubuntu: apt install iptables-persistent; on Red Hat: dnf install iptables-services',
    }
  }
  if (files.length > 1) {
    return { unclear: `${files.join(' and ')} are both places for rules`, hint: 'remove the one that is not loaded' }
  }
  const unit =
    place.known.startsWith('/etc/sysconfig') || place.known.endsWith('.rules')
      ? 'iptables ip6tables'
      : 'netfilter-persistent'
  return { files: rulesets.map(({ family, text }) => placed(place[family ?? 4], text, root)), unit }
}

function placed(path: string, text: string, root: string): Placed {
  const real = join(root, path)
  return { path, text, before: existsSync(real) ? readRules(path, root) : undefined, adds: false }
}

function readRules(path: string, root: string): string {
  const real = join(root, path)
  if (statSync(real).size > RULES_MAX_BYTES) throw new Error(`${path} is larger than ${RULES_MAX_BYTES} bytes`)
  return readFileSync(real, 'utf8')
}

/** Returns the first free name for a copy of a file. */
export function backupName(path: string, root: string): string {
  const folder = join(root, path, '..')
  const taken = new Set(readdirSync(folder))
  const name = path.slice(path.lastIndexOf('/') + 1)
  let count = 1
  while (taken.has(`${name}.before-postern.${count}`)) count++
  return `${path}.before-postern.${count}`
}
