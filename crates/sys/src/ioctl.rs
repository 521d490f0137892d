//! The ioctls of Linux ttys and TUN devices that no crate offers safely, one function each.
//!
//! It deliberately does not know what they are used for. Every number is libc's, every argument type the
//! one that `tty_ioctl(4)`, the kernel's `serial.h` and its `if.h` give.

use std::ffi::{c_int, c_short};
use std::os::fd::AsFd;

use rustix::io::Result;
use rustix::ioctl::{Getter, IntegerSetter, NoArg, Opcode, Setter, Updater, ioctl};

use crate::tun::MAX_NAME;

/// The kernel's `struct serial_icounter_struct`: how often each thing happened since the port was opened.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct SerialCounters {
    pub(crate) cts: c_int,
    pub(crate) dsr: c_int,
    pub(crate) rng: c_int,
    pub(crate) dcd: c_int,
    pub(crate) rx: c_int,
    pub(crate) tx: c_int,
    pub(crate) frame: c_int,
    pub(crate) overrun: c_int,
    pub(crate) parity: c_int,
    pub(crate) brk: c_int,
    pub(crate) buf_overrun: c_int,
    reserved: [c_int; 9],
}

/// The kernel's `struct ifreq` as TUN devices use it: a name and flags. Its union has 24 octets at most.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct InterfaceRequest {
    name: [u8; MAX_NAME],
    flags: c_short,
    reserved: [u8; 22],
}

impl InterfaceRequest {
    /// A request about an interface of this name; `None` if it is empty, too long or holds a NUL.
    pub(crate) fn new(name: &str, flags: c_short) -> Option<Self> {
        let mut field = [0; MAX_NAME];
        let place = field.get_mut(..name.len())?;
        if name.is_empty() || name.len() == MAX_NAME || name.contains('\0') {
            return None;
        }
        place.copy_from_slice(name.as_bytes());
        Some(Self { name: field, flags, reserved: [0; 22] })
    }

    /// The name as the kernel has it.
    pub(crate) fn name(&self) -> String {
        let text = self.name.split(|&byte| byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    }
}

/// An ioctl's number in the type that rustix wants.
#[expect(
    clippy::cast_possible_truncation,
    reason = "ioctl numbers have 32 bits; libc's type is wider"
)]
const fn opcode(number: libc::Ioctl) -> Opcode {
    number as Opcode
}

const TIOCMGET: Opcode = opcode(libc::TIOCMGET);
const TIOCMBIS: Opcode = opcode(libc::TIOCMBIS);
const TIOCMBIC: Opcode = opcode(libc::TIOCMBIC);
const TIOCMIWAIT: Opcode = opcode(libc::TIOCMIWAIT);
const TIOCGICOUNT: Opcode = opcode(libc::TIOCGICOUNT);
const TIOCOUTQ: Opcode = opcode(libc::TIOCOUTQ);
const TIOCSERGETLSR: Opcode = opcode(libc::TIOCSERGETLSR);
const TIOCVHANGUP: Opcode = opcode(libc::TIOCVHANGUP);

const TUNSETIFF: Opcode = opcode(libc::TUNSETIFF);
const TUNGETIFF: Opcode = opcode(libc::TUNGETIFF);

/// Makes a TUN device of an open `/dev/net/tun` (`TUNSETIFF`); the kernel writes back the name it got.
pub(crate) fn make_tun(fd: impl AsFd, request: &mut InterfaceRequest) -> Result<()> {
    // SAFETY: TUNSETIFF reads and writes one struct ifreq, which InterfaceRequest is.
    let call = unsafe { Updater::<TUNSETIFF, InterfaceRequest>::new(request) };
    // SAFETY: the pattern holds the whole structure.
    unsafe { ioctl(fd, call) }
}

/// What TUN device a descriptor is (`TUNGETIFF`).
pub(crate) fn made_tun(fd: impl AsFd) -> Result<InterfaceRequest> {
    // SAFETY: TUNGETIFF writes one struct ifreq, and any octets are a valid InterfaceRequest.
    let call = unsafe { Getter::<TUNGETIFF, InterfaceRequest>::new() };
    // SAFETY: the pattern holds the whole structure.
    unsafe { ioctl(fd, call) }
}

/// Reads the modem lines (`TIOCMGET`).
pub(crate) fn modem_bits(fd: impl AsFd) -> Result<c_int> {
    // SAFETY: TIOCMGET writes one int.
    let call = unsafe { Getter::<TIOCMGET, c_int>::new() };
    // SAFETY: the pattern holds an int and the kernel writes no more.
    unsafe { ioctl(fd, call) }
}

/// Raises modem lines (`TIOCMBIS`).
pub(crate) fn raise_modem_bits(fd: impl AsFd, bits: c_int) -> Result<()> {
    // SAFETY: TIOCMBIS reads one int.
    let call = unsafe { Setter::<TIOCMBIS, c_int>::new(bits) };
    // SAFETY: the pattern holds an int and the kernel reads no more.
    unsafe { ioctl(fd, call) }
}

/// Drops modem lines (`TIOCMBIC`).
pub(crate) fn drop_modem_bits(fd: impl AsFd, bits: c_int) -> Result<()> {
    // SAFETY: TIOCMBIC reads one int.
    let call = unsafe { Setter::<TIOCMBIC, c_int>::new(bits) };
    // SAFETY: the pattern holds an int and the kernel reads no more.
    unsafe { ioctl(fd, call) }
}

/// Blocks until one of the modem lines `bits` has changed (`TIOCMIWAIT`), or a signal arrives.
pub(crate) fn wait_for_modem_bits(fd: impl AsFd, bits: c_int) -> Result<()> {
    let bits = usize::try_from(bits).unwrap_or(0);
    // SAFETY: TIOCMIWAIT takes its mask as the argument itself, not through a pointer.
    let call = unsafe { IntegerSetter::<TIOCMIWAIT>::new_usize(bits) };
    // SAFETY: no memory of ours is involved.
    unsafe { ioctl(fd, call) }
}

/// Reads the event counters of a serial port (`TIOCGICOUNT`).
pub(crate) fn serial_counters(fd: impl AsFd) -> Result<SerialCounters> {
    // SAFETY: TIOCGICOUNT writes one serial_icounter_struct, laid out as SerialCounters.
    let call = unsafe { Getter::<TIOCGICOUNT, SerialCounters>::new() };
    // SAFETY: the pattern holds the whole structure.
    unsafe { ioctl(fd, call) }
}

/// Bytes in the kernel's output queue (`TIOCOUTQ`).
pub(crate) fn output_queue(fd: impl AsFd) -> Result<c_int> {
    // SAFETY: TIOCOUTQ writes one int.
    let call = unsafe { Getter::<TIOCOUTQ, c_int>::new() };
    // SAFETY: the pattern holds an int and the kernel writes no more.
    unsafe { ioctl(fd, call) }
}

/// The line status register (`TIOCSERGETLSR`); bit 0 says that the transmitter is empty.
pub(crate) fn line_status(fd: impl AsFd) -> Result<c_int> {
    // SAFETY: TIOCSERGETLSR writes one unsigned int.
    let call = unsafe { Getter::<TIOCSERGETLSR, c_int>::new() };
    // SAFETY: the pattern holds an int and the kernel writes no more.
    unsafe { ioctl(fd, call) }
}

/// Hangs the terminal up for everybody who has it open (`TIOCVHANGUP`).
pub(crate) fn hang_up_all(fd: impl AsFd) -> Result<()> {
    // SAFETY: TIOCVHANGUP takes no argument.
    let call = unsafe { NoArg::<TIOCVHANGUP>::new() };
    // SAFETY: no memory of ours is involved.
    unsafe { ioctl(fd, call) }
}
