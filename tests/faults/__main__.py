"""Run the campaign; see the package."""

from faults.campaign import main

main()
