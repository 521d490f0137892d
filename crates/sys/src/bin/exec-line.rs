//! Starts one program on a line, as its parent asks on standard input: see `dialback_sys::launch`.

fn main() {
    dialback_sys::launch::exec_line_main()
}
