# Prints the Python to make the virtual environment with: of those named, or of those on the machine, the newest that
# starts, is of a version that the study is tested on, and has what makes virtual environments.
#
# sh interpreter.sh [PYTHON ...]

tested="3.14 3.13 3.12 3.11"

# a Python's answer is its minor version, or why it is not taken; the oldest can read the question
question='
import sys
version = "%d.%d" % sys.version_info[:2]
if version not in sys.argv[1].split():
    print("is Python " + version)
else:
    try:
        import ensurepip, venv
        print(sys.version_info[1])
    except ImportError:
        print("has no venv or no ensurepip; on Debian and Ubuntu: apt install python%s-venv" % version)
'

if [ $# = 0 ]; then
    set -- python3
    for version in $tested; do
        managed=$(uv python find --system --managed-python --no-python-downloads "$version" 2>/dev/null)
        set -- "$@" "python$version" ${managed:+"$managed"}
    done
fi

newest=0
for python; do
    answer=$("$python" -c "$question" "$tested" 2>/dev/null)
    case $answer in
    [0-9]*) [ "$answer" -gt "$newest" ] && newest=$answer && chosen=$python ;;
    *) refused="$refused
  $python ${answer:-does not start}" ;;
    esac
done

if [ "$newest" = 0 ]; then
    echo "error: the study is tested on Python ${tested##* } to ${tested%% *}, and no such one is found:$refused
name one: make setup PYTHON=/path/to/python${tested%% *}" >&2
    exit 1
fi
echo "$("$chosen" --version) ($chosen)" >&2
echo "$chosen"
