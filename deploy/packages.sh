# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# Which Debian or Ubuntu packages LeadScore needs, and how to get them: the one list, sourced by
# deploy/quickstart and tests/run.

# to compile and link
LS_PACKAGES_build="gcc libc6-dev meson ninja-build pkg-config libevent-dev libssl-dev libsqlite3-dev
  libidn2-dev zlib1g-dev libcurl4-openssl-dev curl"

# to run every test: the second compiler with its sanitizers, the real servers, pytest
LS_PACKAGES_test="git clang llvm libclang-rt-dev libcmocka-dev libjson-c-dev python3-pytest python3-hypothesis
  redis-server postgresql prometheus openssl strace iproute2"

# to check the style
LS_PACKAGES_lint="clang-format-14 codespell shellcheck"

# ls_packages_missing SECTION... : those that are not installed, one a line
ls_packages_missing()
{
	local section list name
	for section in "$@"; do
		list="LS_PACKAGES_$section"
		for name in ${!list}; do
			case "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" in
			installed) ;;
			*) echo "$name" ;;
			esac
		done
	done
}

# ls_packages_install LOGFILE SECTION... : installs what is missing and nothing else. Says what it
# does; never asks where there is no terminal.
ls_packages_install()
{
	local log="$1" missing as_root=()
	shift
	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		echo "error: this needs apt-get (Debian 12, Ubuntu 24.04). Elsewhere, install by hand what" >&2
		echo "deploy/packages.sh lists and build with: meson setup build && ninja -C build" >&2
		return 1
	fi
	mapfile -t missing < <(ls_packages_missing "$@")
	if [ ${#missing[@]} -eq 0 ]; then
		return 0
	fi
	if [ "$(id -u)" -ne 0 ]; then
		if ! command -v sudo >/dev/null; then
			echo "error: missing packages, and neither root nor sudo to install them. As root:" >&2
			echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
			return 1
		fi
		if [ ! -t 0 ] && ! sudo -n true 2>/dev/null; then
			echo "error: missing packages; sudo wants a password and there is no terminal to ask. As root:" >&2
			echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
			return 1
		fi
		as_root=(sudo env)
		echo "using sudo to install packages"
	else
		as_root=(env)
	fi
	as_root+=(DEBIAN_FRONTEND=noninteractive)
	echo "installing: ${missing[*]}"
	if ! "${as_root[@]}" apt-get -o Acquire::Retries=3 update >"$log" 2>&1 </dev/null; then
		echo "error: apt-get update failed: no network, or no permission?" >&2
		tail -n 15 "$log" >&2
		return 1
	fi
	if ! "${as_root[@]}" apt-get -o Acquire::Retries=3 -o DPkg::Lock::Timeout=120 install -y \
		--no-install-recommends "${missing[@]}" >>"$log" 2>&1 </dev/null; then
		echo "error: apt-get install failed:" >&2
		tail -n 25 "$log" >&2
		return 1
	fi
}
