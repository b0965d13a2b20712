# SPDX-License-Identifier: Apache-2.0
# Prints an ini file with OPTION of SECTION set to VALUE: in its old place, else on
# top of the section, else in a new section at the end.
BEGIN {
    header = "[" ENVIRON["SECTION"] "]"
    option = ENVIRON["OPTION"]
    line = option " = " ENVIRON["VALUE"]
    total = 0
}
{
    if (substr($0, 1, 1) == "[") {
        inside = index($0, header) == 1
        if (inside && !top) top = total + 1
    }
    if (inside && name($0) == option) {
        sub(/=[ \t]*.*$/, "", $0)
        match(line, /=/)
        $0 = $0 substr(line, RSTART)
        found = 1
    }
    lines[++total] = $0
}
END {
    for (i = 1; i <= total; i++) {
        print lines[i]
        if (i == top && !found) print line
    }
    if (!top) print "\n" header "\n" line
}
function name(text) {
    if (!index(text, "=")) return ""
    text = substr(text, 1, index(text, "=") - 1)
    sub(/[ \t]+$/, "", text)
    return text
}
