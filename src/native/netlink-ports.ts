import { readFileSync, readdirSync, readlinkSync } from 'node:fs'

/** Linux's list of the netlink sockets of this network namespace; columns: sk, Eth, Pid, …, Inode. */
const SOCKETS = '/proc/net/netlink'
const DESCRIPTORS = '/proc/self/fd'
const PROTOCOL_COLUMN = 1
const PORT_COLUMN = 2

/**
 * Returns the ports (netlink(7), `nl_pid`) of this process's sockets of a netlink protocol. The process id would not
 * do, because the kernel sees another one in a container. Returns `undefined` if the system does not list them.
 */
export function ownNetlinkPorts(protocol: number): ReadonlySet<number> | undefined {
  try {
    const inodes = new Set(readdirSync(DESCRIPTORS).flatMap(inodeOf))
    const rows = readFileSync(SOCKETS, 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
    const own = rows.filter((row) => row[PROTOCOL_COLUMN] === String(protocol) && inodes.has(row.at(-1) ?? ''))
    return own.length === 0 ? undefined : new Set(own.map((row) => Number(row[PORT_COLUMN])))
  } catch {
    return undefined
  }
}

function inodeOf(descriptor: string): readonly string[] {
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`${DESCRIPTORS}/${descriptor}`))?.[1]
    return inode === undefined ? [] : [inode]
  } catch {
    // This descriptor was used for reading the folder itself.
    return []
  }
}
