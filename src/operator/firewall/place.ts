import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Family } from '../../packet/address.ts'
import type { Dialect } from '../../firewall/kernel/dialect.ts'

/** Files that a machine loads its nftables rules from when it starts: Debian and Arch; Red Hat; Alpine. */
export const NFT_FILES = ['/etc/nftables.conf', '/etc/sysconfig/nftables.conf', '/etc/nftables.nft']
/** Where we put ours where the machine's file names no folder. */
const NFT_OWN_FOLDER = '/etc'
/** Folders for iptables' rules: iptables-persistent of Debian; Red Hat; Arch. A place is one if what it is known by is there. */
const IPTABLES_PLACES = [
  { known: '/etc/iptables/iptables.rules', 4: '/etc/iptables/iptables.rules', 6: '/etc/iptables/ip6tables.rules' },
  { known: '/usr/share/netfilter-persistent', 4: '/etc/iptables/rules.v4', 6: '/etc/iptables/rules.v6' },
  { known: '/etc/iptables/rules.v4', 4: '/etc/iptables/rules.v4', 6: '/etc/iptables/rules.v6' },
  { known: '/etc/sysconfig/iptables', 4: '/etc/sysconfig/iptables', 6: '/etc/sysconfig/ip6tables' },
] as const
/** Largest file of rules that is looked at, in bytes. */
const RULES_MAX_BYTES = 16 * 1_048_576

/** A ruleset, and whom it is for. */
export interface Ruleset {
  readonly dialect: Dialect
  /** `undefined`: both in one. */
  readonly family: Family | undefined
  /** What its file is called, without an ending, where the place itself has no name for it. */
  readonly name: 'postern-kernel' | 'postern-base'
  readonly text: string
}

/** A file to write. */
export interface Placed {
  readonly path: string
  readonly text: string
  /** The file as it is; `undefined`: there is none. */
  readonly before: string | undefined
  /** It is the machine's own file, to which a line is added. */
  readonly adds: boolean
}

/** Where rulesets go, or why that is not clear. */
export type Places =
  { readonly files: readonly Placed[]; readonly unit: string } | { readonly unclear: string; readonly hint: string }

/**
 * Looks where this machine loads rules from when it starts. Reads only.
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
      unclear: `none of ${NFT_FILES.join(', ')} is there`,
      hint: 'install nftables, or write the rules to a file and have it loaded by `nft -f` when the machine starts',
    }
  }
  if (found.length > 1) {
    return { unclear: `${found.join(' and ')} are both there`, hint: 'remove the one that is not loaded' }
  }
  const before = readRules(main, root)
  const folder = includedFolder(before, root)
  if (folder !== undefined) return { files: [placed(join(folder, `${name}.nft`), text, root)], unit: 'nftables' }
  const path = join(NFT_OWN_FOLDER, `${name}.nft`)
  const own = placed(path, text, root)
  const line = `include "${path}"`
  if (before.split('\n').some((one) => one.trim() === line)) return { files: [own], unit: 'nftables' }
  const added = `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}\n${line}\n`
  // Ours first: the machine's file must never name one that is not there.
  return { files: [own, { path: main, text: added, before, adds: true }], unit: 'nftables' }
}

/** A folder all of whose `*.nft` files the machine's file includes. */
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

/** The first free name for a copy of a file. */
export function backupName(path: string, root: string): string {
  const folder = join(root, path, '..')
  const taken = new Set(readdirSync(folder))
  const name = path.slice(path.lastIndexOf('/') + 1)
  let count = 1
  while (taken.has(`${name}.before-postern.${count}`)) count++
  return `${path}.before-postern.${count}`
}
