/** The output of `knock --help`. */
export const USAGE = `usage: knock [OPTION]... HOST PORT[:PROTO]...
       knock [OPTION]... --totp-file FILE | --code CODE HOST [PORT[:PROTO]]...
       knock [OPTION]... --from URL|FILE HOST
       knock --spa [postern | fwknop | knockknock] [OPTION]... HOST

Knocks at the ports of HOST, in the order given. PORT is a number or a service's
name, PROTO is tcp (default) or udp.

  -u, --udp             every PORT is UDP, whatever its PROTO
  -d, --delay MS        wait this many milliseconds between two knocks
  -4, --ipv4            IPv4 only
  -6, --ipv6            IPv6 only
  -v, --verbose         print each knock as it is sent
  -V, --version         show the version
  -h, --help            show this help

      --source SOURCE   knock from this address, or this interface's address
      --verify tcp/PORT then connect to PORT: exit code 1 if it is not open
      --retry N         with --verify: knock up to N more times until it is open
      --spa             send one encrypted packet instead: knock --spa --help

      --totp-file FILE  then knock the current time-based code; FILE has its
                        secret, as postern keygen totp makes it
      --code CODE       then knock this time-based code, from an app

      --from URL|FILE   knock the next sequence of a list of one-time sequences,
                        encrypted by age or OpenPGP
      --identity KEY    a file of age identities that opens the list
      --passphrase-file FILE
                        a file with the passphrase that opens it

A name with both an IPv4 and an IPv6 address is knocked on both, all of the
sequence on one, then on the other; but with what opens only once, a code or the
next of a list, on the one that the system prefers, as ssh does.

examples:
  knock gate.example.org 5127 8841:udp 2309
  knock -u -d 200 gate.example.org 8284 4721 18592
  knock --verify tcp/22 --retry 2 gate.example.org 5127 8841 2309 &&
    ssh gate.example.org
  knock --code "1234 5678" gate.example.org
  knock --from https://www.example.org/knocks.age --identity ~/.age.key \\
    --verify tcp/22 gate.example.org

exit status: 0 done, 1 not resolvable, not sent, not open, or a secret that
cannot be read, 2 usage
`
