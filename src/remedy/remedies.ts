import { shellWord } from '../text/shell-word.ts'

declare const made: unique symbol

/** A command line for people to type. Only {@link REMEDIES} makes one. */
export type Remedy = string & { readonly [made]: true }

/** A port of this machine. */
export interface Port {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
}

/** A line to add below the heading of a door. */
export interface Addition {
  readonly door: string
  /** The line, such as `Open_Ports = tcp/22`. */
  readonly line: string
}

/** The options of `postern firewall apply`. */
export interface ApplyTerms {
  /** The ports for `--allow`; may be empty. */
  readonly allowed: string
  readonly beside: boolean
  readonly persist: string | undefined
  readonly replace: boolean
}

/** The options of `postern firewall kernel`. */
export interface KernelTerms {
  /** The ports for `--allow`; may be empty. */
  readonly allowed: string
  /** The names of the doors; empty means all. */
  readonly doors: readonly string[]
  readonly format: 'nft' | 'iptables'
  /** The address family; `undefined`: both. */
  readonly family: 4 | 6 | undefined
}

const EDITED = 'sed -i --follow-symlinks'
const ESTABLISHED = '-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT'
/** The file of saved nftables rules, which the file of Debian's service loads. */
const NFT_SAVED = '/etc/nftables-saved.nft'
const NFT_FILE = '/etc/nftables.conf'

const MAKERS = {
  // These commands allow a native door's port in the firewall. The guard comes first and hides the port.
  allowUfw: ({ protocol, port }: Port) => `ufw allow ${port}/${protocol}`,
  /** This rule goes before ufw's own rule that drops the packets. ufw accepts no second rule with the same words. */
  allowUfwFirst: ({ protocol, port }: Port, denied: 'deny' | 'reject') =>
    `ufw delete ${denied} ${port}/${protocol}; ufw prepend allow ${port}/${protocol}`,
  allowFirewalld: ({ protocol, port }: Port, zone: string | undefined) => {
    const add = `--add-port=${port}/${protocol}${zone === undefined ? '' : ` --zone=${shellWord(zone)}`}`
    return `firewall-cmd ${add} && firewall-cmd --permanent ${add}`
  },
  /** This rule goes after all rules of a chain whose policy drops the packets. */
  allowLast: (program: string, port: Port) => `${program} -A INPUT ${plainMatch(port)} -j ACCEPT`,
  /** This rule goes before the rule that drops the packets, whose position in the chain counts from 1. */
  allowBefore: (program: string, port: Port, index: number) =>
    `${program} -I INPUT ${index} ${plainMatch(port)} -j ACCEPT`,
  /** This rule allows forwarded packets by their original port, as Docker's documentation shows, and no others. */
  allowForwarded: (program: string, chain: 'DOCKER-USER' | 'FORWARD', { protocol, port }: Port) =>
    `${program} -I ${chain} -p ${protocol} -m conntrack --ctstate DNAT --ctorigdstport ${port} -j ACCEPT`,
  allowNft: (table: string, chain: string, { protocol, port }: Port) =>
    `nft insert rule ${chainWords(table, chain)} ${protocol} dport ${port} accept`,
  /** This rule is for a chain that packets to other hosts pass, too. */
  allowNftLocal: (table: string, chain: string, { protocol, port }: Port) =>
    `nft insert rule ${chainWords(table, chain)} fib daddr type local ${protocol} dport ${port} accept`,
  /** This rule is for forwarded packets. */
  allowNftForwarded: (table: string, chain: string, { protocol, port }: Port) =>
    `nft insert rule ${chainWords(table, chain)} meta l4proto ${protocol} ct status dnat ct original proto-dst ${port} accept`,
  /** These rules allow the answers of one port, and nothing else, where outgoing packets are filtered. */
  answerIptables: (program: string, chain: string, { protocol, port }: Port) =>
    `${program} -I ${shellWord(chain)} -p ${protocol} --sport ${port} -m conntrack --ctstate ESTABLISHED -j ACCEPT`,
  answerNft: (table: string, chain: string, { protocol, port }: Port) =>
    `nft insert rule ${chainWords(table, chain)} ${protocol} sport ${port} ct state established accept`,
  applyBase: applyWords,

  // These commands are for the ruleset with which the kernel does the knocking, as the next boot loads it.
  persistKernel: kernelWords,
  /** This shows what {@link MAKERS.persistKernel} would change. */
  lookAtKernel: (terms: KernelTerms, file: string) => `${kernelWords(terms, file)} --dry-run`,
  /**
   * This is for doors that the kernel cannot do. The base ruleset is confirmed first, so that the next boot never opens
   * all ports. The line that includes a file goes before the file: nft loads nothing if the file is missing.
   */
  replaceKernel: (terms: ApplyTerms, file: string, paths: readonly string[], main: string | undefined) =>
    [
      applyWords(terms, file),
      'sudo systemctl enable nftables',
      ...(main === undefined
        ? []
        : paths.map((path) => {
            const line = String.raw`/^\s*include\s+"${pattern(path)}"/d`
            return `sudo ${EDITED} -E ${shellWord(line)} ${pathWord(main)}`
          })),
      ...paths.map((path) => `sudo mv ${pathWord(path)} ${pathWord(`${path}.off`)}`),
    ].join(' && '),

  // Sessions outlive their opening.
  establishedIptables: (program: string) => `${program} -I INPUT ${ESTABLISHED}`,
  establishedNft: (table: string, chain: string) =>
    `nft insert rule ${chainWords(table, chain)} ct state established,related accept`,

  // This hides ports that everybody can reach. Established connections stay.
  hide: (file: string, additions: readonly Addition[], pid: number | undefined) => {
    const [first] = additions
    const edits = additions.map(
      ({ door, line }) => `-e ${shellWord(String.raw`/^\s*\[\s*${pattern(door)}\s*]/a ${line}`)}`,
    )
    const once = `grep -qx ${shellWord(first?.line ?? '')} ${pathWord(file)}`
    return `${once} || ${EDITED} -E ${edits.join(' ')} ${pathWord(file)}${reloaded(pid)}`
  },
  /** This adds the machine's own port beside that of a container, in the line with the container's port. */
  addPublished: (file: string, service: string, published: string, pid: number | undefined) => {
    const unless = `/${pattern(published)}([^0-9@-]|$)/!`
    const add = String.raw`s#(${pattern(service)})(\s|,|$)#\1,${published}\2#`
    return `${EDITED} -E ${shellWord(unless + add)} ${pathWord(file)}${reloaded(pid)}`
  },
  edit: (file: string, line: number) => `"\${EDITOR:-vi}" +${line} ${pathWord(file)}`,
  replaceProgram: (file: string, path: string, right: string) => {
    // The same path may also be the end of a longer one.
    const replace = String.raw`s#(^|[^[:alnum:]_./-])${pattern(path)}(\s|$)#\1${right.replaceAll(/[\\&#]/g, String.raw`\$&`)}\2#g`
    return `${EDITED} -E ${shellWord(replace)} ${pathWord(file)}`
  },

  // These commands are for the daemon and the base ruleset.
  start: (file: string) => `sudo knockd -d -c ${pathWord(file)}`,
  restart: () => 'systemctl restart knockd',
  moreTime: () => 'systemctl set-property knockd.service CPUWeight=1000',
  end: (pid: number) => `kill ${pid}`,
  restoreBase: () => 'sudo postern firewall restore',
  /** This is only for a base ruleset that is not in force. Removing one in force would let everything in. */
  removeBase: () => 'sudo postern firewall remove --keep-guard',
  applyAnew: (persist = false) => `sudo postern firewall apply${persist ? ' --persist' : ''}`,

  // These commands are for the next boot.
  saveIptables: () => 'apt install iptables-persistent && netfilter-persistent save',
  saveNft: (tables: readonly string[]) => {
    const texts = tables.map((name) => `echo 'table ${name}'; echo 'delete table ${name}'; nft -s list table ${name}`)
    const include = `'include "${NFT_SAVED}"'`
    const loads = `{ grep -qsx ${include} ${NFT_FILE} || echo ${include} >> ${NFT_FILE}; }`
    return `{ ${texts.join('; ')}; } > ${NFT_SAVED} && ${loads} && systemctl enable nftables`
  },
  enable: (unit: 'nftables' | 'knockd' | 'ufw' | 'firewalld') => `systemctl enable ${unit}`,

  // These commands are for files, programs, interfaces and the clock.
  mode: (mode: string, path: string) => `chmod ${mode} ${pathWord(path)}`,
  owner: (user: string, path: string) => `chown ${user} ${pathWord(path)}`,
  /** This lets the group of the daemon's user read a file of root's, or write it too, and enter the folders before it. */
  share: (group: string, folders: readonly string[], path: string, mode: '640' | '660') =>
    [...folders.map((folder) => enterWords(group, folder)), `chown ${shellWord(`root:${group}`)} ${pathWord(path)}`]
      .concat(`chmod ${mode} ${pathWord(path)}`)
      .join(' && '),
  /** This lets the group of the daemon's user list the last folder, and enter those before it. */
  shareFolder: (group: string, folders: readonly string[]) =>
    folders
      .map((folder, index) => enterWords(group, folder, index === folders.length - 1 ? 'g+rx' : 'g+x'))
      .join(' && '),
  /** This gives the daemon's user the last folder with all that is in it. */
  giveFolder: (user: string, group: string, folders: readonly string[]) =>
    [
      ...folders.slice(0, -1).map((folder) => enterWords(group, folder)),
      `chown -R ${shellWord(user)} ${pathWord(folders.at(-1) ?? '')}`,
    ].join(' && '),
  linkOwner: (user: string, path: string) => `chown -h ${user} ${pathWord(path)}`,
  installLibrary: (library: 'libpcap0.8' | 'libnftables1') => `apt install ${library}`,
  findProgram: (name: string) => `apt-file search -x ${shellWord(`/${name}$`)}`,
  installCopy: (folder: string, version: string) =>
    `npm pack --ignore-scripts --pack-destination /root ${pathWord(folder)} && npm install -g --ignore-scripts --prefix /usr/local /root/postern-${version}.tgz`,
  installNode: (interpreter: string) => `install -o root -g root -m 755 ${shellWord(interpreter)} /usr/local/bin/node`,
  linkUp: (name: string) => `ip link set ${shellWord(name)} up`,
  keepClock: () => 'timedatectl set-ntp true',

  // These commands show the state where a person has to decide.
  lookAtLinks: () => 'ip -br link',
  lookAtAddresses: (name: string) => `ip addr show dev ${shellWord(name)}`,
  lookAtSockets: () => 'ss -0apb',
  lookAtRules: () => 'nft monitor',
  lookAtDisk: () => 'df -h /var/lib/postern',
  lookAtStatus: (file: string) => `sudo postern status -c ${pathWord(file)}`,
  check: (file: string) => `postern check ${pathWord(file)}`,
  readOfRemoval: () => 'postern firewall remove --help',
  readOfLoss: () => 'postern accept-loss --help',
  lookAtFleet: () => 'sudo postern fleet status',
  readOfFleet: () => 'postern fleet init --help',
  readOfJoin: () => 'postern fleet join --help',
} as const

type Makers = typeof MAKERS

/**
 * The commands that check, doctor, rehearse and the base ruleset print as advice. A command must not cut the session of
 * the person who types it, weaken the firewall beyond the door's ports, or break a door. test/lab/remedies.test.ts
 * tries each of them.
 */
export const REMEDIES = MAKERS as unknown as {
  readonly [Name in keyof Makers]: (...args: Parameters<Makers[Name]>) => Remedy
}

function applyWords({ allowed, beside, persist, replace }: ApplyTerms, file: string): string {
  return [
    `sudo postern firewall apply -c ${pathWord(file)}`,
    ...(allowed === '' ? [] : [`--allow ${allowed}`]),
    ...(beside ? ['--beside'] : []),
    ...(persist === undefined ? [] : ['--persist']),
    ...(persist === undefined || !replace ? [] : ['--replace']),
  ].join(' ')
}

function kernelWords({ allowed, doors, format, family }: KernelTerms, file: string): string {
  return [
    `sudo postern firewall kernel -c ${pathWord(file)}`,
    ...(allowed === '' ? [] : [`--allow ${allowed}`]),
    // A name that begins with `-` would be an option.
    ...doors.map((name) => `--door${name.startsWith('-') ? '=' : ' '}${shellWord(name)}`),
    ...(format === 'nft' ? [] : ['--format iptables']),
    ...(family === undefined ? [] : [`--family ${family}`]),
    '--persist',
  ].join(' ')
}

/** A chain of nftables as a shell takes it: programs may give chains any name. */
function chainWords(table: string, chain: string): string {
  return [...table.split(' '), chain].map(shellWord).join(' ')
}

/** A path as a shell takes it, and programs for no option. */
function pathWord(path: string): string {
  return shellWord(path.startsWith('-') ? `./${path}` : path)
}

function enterWords(group: string, folder: string, mode = 'g+x'): string {
  return `chgrp ${shellWord(group)} ${pathWord(folder)} && chmod ${mode} ${pathWord(folder)}`
}

function plainMatch({ protocol, port }: Port): string {
  return `-p ${protocol} --dport ${port}`
}

/** Escapes a text for an extended regular expression of sed. Neither `/` nor `#` ends the expression. */
function pattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/#]/g, String.raw`\$&`)
}

function reloaded(pid: number | undefined): string {
  return pid === undefined ? '' : ` && kill -HUP ${pid}`
}
