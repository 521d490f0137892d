#!/bin/sh
# The guest's first process. Its root is the host's, which it may only read; everything that is written goes to a layer of
# its own in memory. Then it is a shell that does what comes on the console.
#
#   go NAME COMMAND    runs COMMAND in the background: each line that it says has "NAME: " in front, the last is its status
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
mount -t proc proc /proc
modules=/usr/lib/uml/modules/$(uname -r)/kernel
insmod $modules/fs/overlayfs/overlay.ko
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
# In the order in which they need each other.
for module in lib/crc-ccitt drivers/net/slip/slhc drivers/net/ppp/ppp_generic drivers/net/ppp/ppp_async \
  drivers/net/tun net/ipv6/ipv6; do
  insmod $modules/$module.ko
done
cat >/mnt/root/guest <<'GUEST'
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /run
mkdir -p /run/lock /run/ppp
: >/run/utmp
hostname guest
ip link set lo up
: >/etc/ppp/options
stty raw -echo
go() {
  { sh -c "$2" </dev/null 2>&1; echo "exit $?"; } | sed -u "s/^/$1: /" &
}
echo "guest: up after $(cut -d' ' -f1 /proc/uptime) s, Linux $(uname -r)"
GUEST
exec chroot /mnt/root sh -c '. /guest; . /dev/console' </dev/console >/dev/console 2>&1
