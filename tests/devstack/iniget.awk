# SPDX-License-Identifier: Apache-2.0
# Prints the value of OPTION in SECTION, its white space made single blanks.
substr($0, 1, 1) == "[" { inside = index($0, "[" ENVIRON["SECTION"] "]") == 1 }
inside && index($0, "=") {
    name = substr($0, 1, index($0, "=") - 1)
    sub(/[ \t]+$/, "", name)
    if (name == ENVIRON["OPTION"]) {
        $0 = substr($0, index($0, "=") + 1)
        $1 = $1
        print
    }
}
