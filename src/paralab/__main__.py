from paralab.cli import main

main()
